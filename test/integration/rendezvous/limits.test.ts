import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { freshId } from "../../support/locks.ts";

it("G9: Ten thousand callers may wait for a latch; one more is refused, and the others are served.", async () => {
  await runInDurableObject(env.DURABLE_RENDEZVOUS.getByName(freshId()), async (object) => {
    const waiting = Array.from({ length: 10_000 }, () => object.awaitLatch(1, 60_000));
    expect(await object.awaitLatch(1, 60_000)).toEqual({ success: false, reason: "QUEUE_FULL" });
    await object.countDown(1, 1, "a");
    const replies = await Promise.all(waiting);
    expect(new Set(replies.map((reply) => JSON.stringify(reply)))).toEqual(new Set(['{"success":true,"remaining":0}']));
  });
});
