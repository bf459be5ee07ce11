import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { type Lock, useReadWriteLock, useSemaphore, withLocks } from "../../../src/index.ts";
import { faultyNamespace, losingReplies } from "../../support/faulty-namespace.ts";
import { crash, freshId, freshLock, lockOf, outcome, stubOf, untilWaiting } from "../../support/locks.ts";

const isLocked = (locks: Lock[]) => Promise.all(locks.map((lock) => lock.isLocked()));
const inIdOrder = (locks: Lock[]) => locks.toSorted((one, other) => (one.id < other.id ? -1 : 1)) as [Lock, Lock];

// Concurrent: most tests only wait for time to pass, and each has its own locks.
describe.concurrent("withLocks", () => {
  it("withLocks holds all locks while fn runs, passes their leases in the given order, and releases them all.", async () => {
    const locks = [freshLock(), freshLock(), freshLock()];
    const value = await withLocks(locks, async ({ holds, leases, signal }) => {
      expect(await isLocked(locks)).toEqual([true, true, true]);
      expect(leases).toEqual(holds.map(({ lease }) => lease));
      for (const [n, lock] of locks.entries())
        expect((await lock.status()).holders).toMatchObject([{ lease: leases[n] as number }]);
      expect(signal.aborted).toBe(false);
      return "done";
    });
    expect(value).toBe("done");
    expect(await isLocked(locks)).toEqual([false, false, false]);
  });

  it("withLocks takes a reader, a semaphore and a mutex together.", async () => {
    const [shared, counted, alone] = [freshId(), freshId(), freshId()];
    const { read } = useReadWriteLock(env.DURABLE_LOCK, shared);
    const semaphore = useSemaphore(env.DURABLE_LOCK, counted, { permits: 2 });
    await withLocks([read, semaphore, lockOf(alone)], async () => {
      expect(await read.acquire(1_000)).toMatchObject({ success: true });
      expect(await semaphore.acquire(1_000)).toMatchObject({ success: true });
      expect(await lockOf(alone).acquire(1_000)).toMatchObject({ success: false });
    });
  });

  it("withLocks never deadlocks, in whatever order its callers list the locks.", async () => {
    const locks = Array.from({ length: 4 }, () => freshLock());
    let running = 0;
    const work = async () => {
      expect((running += 1)).toBe(1);
      await Promise.resolve();
      running -= 1;
    };
    const lists = Array.from({ length: 24 }, (_, n) => (n % 2 === 0 ? locks : locks.toReversed()));
    await Promise.all(lists.map((list) => withLocks(list, work, { wait: 15_000 })));
  });

  it("Locks with the same id in two namespaces have different keys.", () => {
    const id = freshId();
    const elsewhere = env.LEDGER as unknown as typeof env.DURABLE_LOCK;
    expect(lockOf(id).primitives.key).not.toBe(lockOf(id, elsewhere).primitives.key);
    expect(lockOf(id).primitives.key).toBe(lockOf(id).primitives.key);
  });

  it("withLocks rejects with the error that fn throws, and releases all locks.", async () => {
    const locks = [freshLock(), freshLock()];
    const { error } = await outcome(withLocks(locks, () => Promise.reject(new Error("broken"))));
    expect(error).toMatchObject({ message: "broken" });
    expect(await isLocked(locks)).toEqual([false, false]);
  });
});

describe.concurrent("Bad input of withLocks", () => {
  it("G9: withLocks refuses a lock that is given twice, even as reader and writer, and takes nothing.", async () => {
    const id = freshId();
    const { read, write } = useReadWriteLock(env.DURABLE_LOCK, id);
    const { error } = await outcome(withLocks([read, freshLock(), write], () => {}));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument: "locks" });
    expect(await read.isLocked()).toBe(false);
  });

  it("G9: withLocks refuses an empty list and anything that is not a list.", async () => {
    for (const locks of [[], "locks", undefined])
      expect(await outcome(withLocks(locks as Lock[], () => {}))).toMatchObject({ error: { argument: "locks" } });
  });

  it("G9: withLocks refuses an unknown or bad option and takes nothing.", async () => {
    const lock = freshLock();
    for (const options of [{ permits: 2 }, { ttl: 0 }, { wait: -1 }, { signal: "no" }, { minHold: 5 }]) {
      const { error } = await outcome(withLocks([lock], () => {}, options as object));
      expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
    }
    expect(await lock.isLocked()).toBe(false);
  });
});

describe.concurrent("Partial acquisition by withLocks", () => {
  it("G8: withLocks releases what it has taken when one lock can't be had in time.", async () => {
    const [first, second] = inIdOrder([freshLock(), freshLock()]);
    const held = await second.hold();
    const { error } = await outcome(withLocks([first, second], () => {}, { wait: 50 }));
    expect(error).toMatchObject({ code: "LOCK_TIMEOUT" });
    expect(await first.isLocked()).toBe(false);
    expect((await second.status()).waiters).toEqual([]);
    await held.release();
  });

  it("G8: An aborted withLocks releases what it has taken and leaves the queue.", async () => {
    const [first, second] = inIdOrder([freshLock(), freshLock()]);
    const held = await second.hold();
    const abort = new AbortController();
    const done = outcome(withLocks([first, second], () => {}, { signal: abort.signal }));
    await untilWaiting(second.id, 1);
    abort.abort(new Error("enough"));
    expect(await done).toMatchObject({ error: { message: "enough" } });
    expect(await first.isLocked()).toBe(false);
    expect((await second.status()).waiters).toEqual([]);
    await held.release();
  });

  it("G8: withLocks leaves the queue when a lock that it has taken is lost while it waits for the next.", async () => {
    const [first, second] = inIdOrder([freshLock(), freshLock()]);
    const held = await second.hold();
    const done = outcome(withLocks([first, second], () => {}, { ttl: 6_000 }));
    await untilWaiting(second.id, 1);
    await first.forceRelease();
    expect(await done).toMatchObject({ error: { code: "LEASE_LOST", why: "superseded" } });
    expect((await second.status()).waiters).toEqual([]);
    await held.release();
  });
});

describe.concurrent("Losses and faults under withLocks", () => {
  it("G6, G7: The loss of any lock fires the shared signal, and withLocks rejects although fn resolved.", async () => {
    const locks = [freshLock(), freshLock(), freshLock()] as const;
    const done = outcome(
      withLocks(
        locks,
        async ({ signal }) => {
          await locks[1].forceRelease();
          await vi.waitFor(() => expect(signal.aborted).toBe(true), { timeout: 10_000 });
          return "lied";
        },
        { ttl: 6_000 },
      ),
    );
    expect(await done).toMatchObject({ error: { code: "LEASE_LOST", why: "superseded" } });
    expect(await isLocked([...locks])).toEqual([false, false, false]);
  });

  it("G7: withLocks rejects if only the release reveals that a lease was lost.", async () => {
    const locks = [freshLock(), freshLock()] as const;
    const { error } = await outcome(withLocks(locks, () => locks[0].forceRelease(), { ttl: 60_000 }));
    expect(error).toMatchObject({ code: "LEASE_LOST", why: "superseded" });
    expect(await locks[1].isLocked()).toBe(false);
  });

  it("withLocks goes on through a restart of one of the objects.", async () => {
    const locks = [freshLock(), freshLock()] as const;
    expect(await withLocks(locks, async () => (await crash(locks[0].id), "done"))).toBe("done");
    expect(await isLocked([...locks])).toEqual([false, false]);
  });

  it("G5: withLocks takes each lock once although replies are lost.", async () => {
    const { namespace } = faultyNamespace(losingReplies(["acquireOrQueue", "acquire", "release"], 3));
    const ids = [freshId(), freshId()];
    const locks = ids.map((id) => lockOf(id, namespace));
    await withLocks(locks, async () => {
      for (const id of ids) expect((await stubOf(id).status()).holders).toHaveLength(1);
    });
    for (const id of ids) expect(await stubOf(id).status()).toEqual({ locked: false, holders: [], waiters: [] });
  });

  it("When the leases of a dead holder have expired, withLocks gets the locks.", async () => {
    const locks = [freshLock(), freshLock()] as const;
    for (const lock of locks) await lock.acquire(300);
    expect(await withLocks(locks, () => "in")).toBe("in");
  });
});
