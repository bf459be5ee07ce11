import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { once } from "../../../src/index.ts";
import { costOf } from "../../support/cost.ts";
import { freshId, leaseOf, lockOf, stubOf, untilWaiting } from "../../support/locks.ts";

const DAY = 86_400_000;
const READ = { permits: 1, capacity: Number.POSITIVE_INFINITY };

/** A lock that was used before, so that its table exists. */
async function usedLock(): Promise<string> {
  const id = freshId();
  await lockOf(id).release(await leaseOf(lockOf(id).acquire(10_000)));
  return id;
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("G10 rows per operation", () => {
  it("An uncontended acquire and release write 2 rows and read none.", async () => {
    const id = await usedLock();
    const cost = await costOf(id, async () => {
      await lockOf(id).release(await leaseOf(lockOf(id).acquire(10_000)));
    });
    expect(cost).toEqual({ written: 2, read: 0, alarms: 0 });
  });

  it("An uncontended withLock writes 2 rows and reads none.", async () => {
    const id = await usedLock();
    const cost = await costOf(id, () => lockOf(id).withLock(() => {}));
    expect(cost).toEqual({ written: 2, read: 0, alarms: 0 });
  });

  it("A forced release of a held lock writes 1 row.", async () => {
    const id = await usedLock();
    await lockOf(id).acquire(10_000);
    expect(await costOf(id, () => lockOf(id).forceRelease())).toEqual({ written: 1, read: 0, alarms: 0 });
  });

  it("A release request writes 1 row for each holder, and nothing if one was made before.", async () => {
    const id = await usedLock();
    for (let n = 0; n < 3; n += 1) await lockOf(id).acquire(10_000, READ);
    expect(await costOf(id, () => lockOf(id).requestRelease())).toEqual({ written: 3, read: 0, alarms: 0 });
    expect(await costOf(id, () => lockOf(id).requestRelease())).toEqual({ written: 0, read: 0, alarms: 0 });
  });

  it("A conversion writes 1 row, and a refused one writes none.", async () => {
    const id = await usedLock();
    const lease = await leaseOf(lockOf(id).acquire(10_000));
    const [down, up] = [{ ...READ, requestId: "down" }, { requestId: "up" }];
    expect(await costOf(id, () => stubOf(id).convert(lease, down))).toEqual({ written: 1, read: 0, alarms: 0 });
    await lockOf(id).acquire(10_000, READ);
    expect(await costOf(id, () => stubOf(id).convert(lease, up))).toEqual({ written: 0, read: 0, alarms: 0 });
  });

  it("A lock-delay costs no row.", async () => {
    const id = await usedLock();
    const cost = await costOf(id, async () => {
      await lockOf(id).release(await leaseOf(lockOf(id).acquire(10_000, { lockDelay: 1_000 })));
    });
    expect(cost).toEqual({ written: 2, read: 0, alarms: 0 });
  });

  it("The first use of an id writes 2 more rows for its table and sets one alarm.", async () => {
    const id = freshId();
    const cost = await costOf(id, async () => {
      await lockOf(id).release(await leaseOf(lockOf(id).acquire(10_000)));
    });
    expect(cost).toMatchObject({ written: 4, alarms: 1 });
  });

  it("A renewal writes 1 row and reads none.", async () => {
    const id = await usedLock();
    const lease = await leaseOf(lockOf(id).acquire(10_000));
    expect(await costOf(id, () => lockOf(id).renew(lease, 10_000))).toEqual({ written: 1, read: 0, alarms: 0 });
  });

  it("A repeated grant or renewal is written again: a stale instance must not answer from memory.", async () => {
    const id = await usedLock();
    const lease = await leaseOf(stubOf(id).acquire(10_000, { requestId: "a" }));
    await stubOf(id).renew(lease, 10_000, { requestId: "r" });
    const cost = await costOf(id, async () => {
      await stubOf(id).acquire(10_000, { requestId: "a" });
      await stubOf(id).renew(lease, 10_000, { requestId: "r" });
    });
    expect(cost).toEqual({ written: 2, read: 0, alarms: 0 });
  });

  it("A hand-off writes 1 row and reads none.", async () => {
    const id = await usedLock();
    const lease = await leaseOf(lockOf(id).acquire(10_000));
    const waiting = lockOf(id).acquire(10_000, { wait: 10_000 });
    await untilWaiting(id, 1);
    const cost = await costOf(id, async () => {
      await lockOf(id).release(lease);
      await waiting;
    });
    expect(cost).toEqual({ written: 1, read: 0, alarms: 0 });
  });

  it("A failed acquire, a wait that times out and questions about the lock write and read nothing.", async () => {
    const id = await usedLock();
    await lockOf(id).acquire(10_000);
    const cost = await costOf(id, async () => {
      await lockOf(id).acquire(10_000);
      await lockOf(id).acquire(10_000, { wait: 5 });
      await lockOf(id).isLocked();
      await lockOf(id).status();
    });
    expect(cost).toEqual({ written: 0, read: 0, alarms: 0 });
  });

  it("A shared lease costs as much as an exclusive one.", async () => {
    const id = await usedLock();
    await lockOf(id).acquire(10_000, READ);
    const cost = await costOf(id, async () => {
      await lockOf(id).release(await leaseOf(lockOf(id).acquire(10_000, READ)));
    });
    expect(cost).toEqual({ written: 2, read: 0, alarms: 0 });
  });

  it("The alarm is set once a day, however often the lock is used.", async () => {
    const id = freshId();
    const start = Date.now();
    const clock = vi.spyOn(Date, "now");
    const cost = await costOf(id, async () => {
      for (let hour = 0; hour < 72; hour += 1) {
        clock.mockReturnValue(start + (hour * DAY) / 24 + 1);
        await lockOf(id).release(await leaseOf(lockOf(id).acquire(10_000)));
        if (hour > 0 && hour % 24 === 0) await runDurableObjectAlarm(stubOf(id));
      }
    });
    expect(cost.alarms).toBe(3);
  });
});

/** Key-value storage has no cursors: a put or delete is billed as one row written, a get as one read. */
async function kvCostOf(id: string, work: () => Promise<unknown>) {
  const spies = await runInDurableObject(stubOf(id), (_lock, { storage: { kv } }) => {
    const prototype = Object.getPrototypeOf(kv) as SyncKvStorage;
    return {
      puts: vi.spyOn(prototype, "put"),
      gets: vi.spyOn(prototype, "get"),
      deletes: vi.spyOn(prototype, "delete"),
    };
  });
  const cost = await costOf(id, work);
  const kv = Object.fromEntries(Object.entries(spies).map(([name, spy]) => [name, spy.mock.calls.length]));
  for (const spy of Object.values(spies)) spy.mockRestore();
  return { ...cost, kv };
}

describe("G10 rows per once-only job", () => {
  it("A job that runs writes 3 rows: its lease, the end of its lease and its result.", async () => {
    const id = await usedLock();
    const cost = await kvCostOf(id, () => once(lockOf(id), () => "done"));
    expect(cost).toEqual({ written: 2, read: 0, alarms: 0, kv: { puts: 1, gets: 0, deletes: 0 } });
  });

  it("A caller that comes after the job writes nothing and reads 1 row.", async () => {
    const id = await usedLock();
    await once(lockOf(id), () => "done");
    const cost = await kvCostOf(id, () => once(lockOf(id), () => "again"));
    expect(cost).toEqual({ written: 0, read: 0, alarms: 0, kv: { puts: 0, gets: 1, deletes: 0 } });
  });

  it("All callers that wait for a job together read 1 row.", async () => {
    const id = await usedLock();
    const { promise, resolve } = Promise.withResolvers<string>();
    const callers = Array.from({ length: 10 }, () => once(lockOf(id), () => promise));
    await untilWaiting(id, 9);
    const cost = await kvCostOf(id, async () => {
      resolve("done");
      await Promise.all(callers);
    });
    expect(cost).toEqual({ written: 1, read: 0, alarms: 0, kv: { puts: 1, gets: 1, deletes: 0 } });
  });

  it("A job that fails costs as much as a critical section, and a plain lock reads and writes no result.", async () => {
    const id = await usedLock();
    const cost = await kvCostOf(id, () => once(lockOf(id), () => Promise.reject(new Error("x"))).catch(() => {}));
    expect(cost).toEqual({ written: 2, read: 0, alarms: 0, kv: { puts: 0, gets: 0, deletes: 0 } });
    const plain = await usedLock();
    const plainCost = await kvCostOf(plain, () => lockOf(plain).withLock(() => {}));
    expect(plainCost.kv).toEqual({ puts: 0, gets: 0, deletes: 0 });
  });

  it("A job writes 1 row more if the result before it has to be deleted.", async () => {
    const id = await usedLock();
    const start = Date.now();
    await once(lockOf(id), () => "done", { retain: 1_000 });
    vi.spyOn(Date, "now").mockReturnValue(start + 60_000);
    const cost = await kvCostOf(id, () => once(lockOf(id), () => "again"));
    expect(cost).toEqual({ written: 2, read: 0, alarms: 0, kv: { puts: 1, gets: 0, deletes: 1 } });
  });
});
