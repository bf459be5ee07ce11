import { runInDurableObject } from "cloudflare:test";
import { expect, it, vi } from "vitest";
import { DurableLock } from "../../../src/index.ts";
import { freshId, stubOf } from "../../support/locks.ts";
import { at, send } from "./calls.ts";

it("G9: For a reader that does not read, the service asks for and buffers nothing; later it gets the latest state.", async () => {
  const id = freshId();
  const follow = vi.spyOn(DurableLock.prototype, "follow");
  const reader = ((await send(at(id, "events"))).body as ReadableStream<Uint8Array>).getReader();
  const read = async () => new TextDecoder().decode((await reader.read()).value);
  expect(await read()).toContain("event: status");
  // Other files may share the runtime, and their readers may still be served.
  const asked = () => follow.mock.contexts.filter((lock) => (lock as DurableLock)["ctx"].id.name === id).length;
  const before = asked();
  await runInDurableObject(stubOf(id), async (lock) => {
    for (let round = 0; round < 2_000; round += 1) {
      const granted = await lock.acquire(60_000, { owner: `round ${round}` });
      if (granted.success) await lock.release(granted.lease);
    }
  });
  await stubOf(id).acquire(60_000, { owner: "the last" });
  expect(asked() - before).toBe(0);
  const latest = await read();
  expect([latest.includes('"owner":"the last"'), latest.includes('"locked":true')]).toEqual([true, true]);
  expect(asked() - before).toBe(1);
  await reader.cancel();
  follow.mockRestore();
});
