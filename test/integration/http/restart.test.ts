import { expect, it, vi } from "vitest";
import { connectOver } from "../../support/http.ts";
import { crash, freshId, leaseOf, lockOf, outcome, sleep, untilWaiting } from "../../support/locks.ts";

it("G4: HTTP callers in the queue keep their order when the lock's object restarts under the service.", async () => {
  const id = freshId();
  const { lock } = connectOver();
  const lease = await leaseOf(lockOf(id).acquire(600_000));
  const granted: number[] = [];
  const waiting: Promise<unknown>[] = [];
  for (let place = 0; place < 6; place += 1) {
    waiting.push(outcome(lock(id).withLock(() => granted.push(place), { wait: 60_000 })));
    await untilWaiting(id, place + 1);
    await sleep(250);
  }
  await crash(id);
  await untilWaiting(id, 6);
  expect(granted).toEqual([]);
  await vi.waitFor(async () => expect(await lockOf(id).release(lease)).toBe(true));
  await Promise.all(waiting);
  expect(granted).toEqual([0, 1, 2, 3, 4, 5]);
});
