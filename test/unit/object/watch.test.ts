import { runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { type LockStatus } from "../../../src/index.ts";
import { changeableLimits } from "../../support/limits.ts";
import { freshId, freshLock, leaseOf, stubOf } from "../../support/locks.ts";

const changeLimits = changeableLimits();

describe("Watch calls at the object", () => {
  it("A watch call is answered after `wait` if nothing has changed, and at once if something has.", async () => {
    const lock = freshLock();
    const stub = stubOf(lock.id);
    expect(await stub.watch(0, 30)).toMatchObject({ locked: false });
    const lease = await leaseOf(lock.acquire(60_000));
    expect(await stub.watch(0, 20_000)).toMatchObject({ holders: [{ lease }] });
    expect(await stub.watch(lease, 0)).toMatchObject({ holders: [{ lease }] });
  });

  it.each([
    ["known", [-1, 1_000]],
    ["known", ["1", 1_000]],
    ["wait", [0, -1]],
    ["wait", [0, 86_400_001]],
  ])("G9 A watch call with a bad %s is refused.", async (argument, [known, wait]) => {
    const reply = await stubOf(freshId()).watch(known as number, wait as number);
    expect(reply).toMatchObject({ reason: "INVALID_ARGUMENT", argument });
  });

  it("G9 The object parks as many watch calls as there may be waiters, and no more.", async () => {
    changeLimits({ maxWaiters: 50 });
    const answers = await runInDurableObject(stubOf(freshId()), async (lock) => {
      const parked = Array.from({ length: 50 }, () => lock.watch(0, 20_000));
      const refused = await lock.watch(0, 20_000);
      await lock.acquire(60_000);
      return { refused, parked: await Promise.all(parked), after: await lock.watch(0, 20_000) };
    });
    expect(answers.refused).toEqual({ success: false, reason: "QUEUE_FULL" });
    expect(answers.parked.every((status) => (status as LockStatus).locked)).toBe(true);
    expect(answers.after).toMatchObject({ locked: true });
  });
});
