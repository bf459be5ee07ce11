import { expect, it, vi } from "vitest";
import { connectLocks } from "../../../src/client.ts";
import { startService, TOKEN } from "../../support/node/service.ts";
import { freshId, sleep } from "../../support/outcome.ts";

const CALLERS = 12;

/** Longer than any delay between two attempts of a waiter. */
const DOWN = 10_000;
const soon = { timeout: 20_000, interval: 50 };

it("G4: Twelve callers in the queue keep their order when the service is killed and absent for ten seconds.", async () => {
  await using service = await startService();
  const { lock } = connectLocks({ url: service.url, token: TOKEN });
  const id = freshId();
  // No one renews this lease. It expires while the service is down, so the lock is free when the service is back.
  expect(await lock(id).acquire(9_000)).toMatchObject({ success: true });
  const granted: number[] = [];
  const waiting: Promise<unknown>[] = [];
  for (let place = 0; place < CALLERS; place += 1) {
    waiting.push(lock(id).withLock(() => granted.push(place), { wait: 120_000 }));
    await vi.waitFor(async () => expect((await lock(id).status()).waiters).toHaveLength(place + 1), soon);
    // Apart by more than the travel time of a call on a busy machine; closer calls would arrive in random order.
    await sleep(300);
  }
  expect(granted).toEqual([]);
  await service.server.kill();
  await sleep(DOWN);
  await service.server.start();
  await Promise.all(waiting);
  expect(granted).toEqual(Array.from({ length: CALLERS }, (_, place) => place));
}, 120_000);
