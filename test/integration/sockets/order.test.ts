import { expect, it, vi } from "vitest";
import { connectLocks } from "../../../src/client.ts";
import { startService, TOKEN } from "../../support/node/service.ts";
import { freshId, sleep } from "../../support/outcome.ts";

const CALLERS = 12;

/** Longer than the delays between two tries of a caller in line ever were. */
const DOWN = 10_000;
const soon = { timeout: 20_000, interval: 50 };

it("G4 twelve callers in line keep their order through a kill of the service and ten seconds without it", async () => {
  await using service = await startService();
  const { lock } = connectLocks({ url: service.url, token: TOKEN });
  const id = freshId();
  // Nobody renews it: it ends while the service is down, so that the lock is free when it is back.
  expect(await lock(id).acquire(9_000)).toMatchObject({ success: true });
  const granted: number[] = [];
  const waiting: Promise<unknown>[] = [];
  for (let place = 0; place < CALLERS; place += 1) {
    waiting.push(lock(id).withLock(() => granted.push(place), { wait: 120_000 }));
    await vi.waitFor(async () => expect((await lock(id).status()).waiters).toHaveLength(place + 1), soon);
    // Apart by more than their calls may travel: to within that their order is a matter of chance.
    await sleep(100);
  }
  expect(granted).toEqual([]);
  await service.server.kill();
  await sleep(DOWN);
  await service.server.start();
  await Promise.all(waiting);
  expect(granted).toEqual(Array.from({ length: CALLERS }, (_, place) => place));
}, 120_000);
