import { describe, expect, it, vi } from "vitest";
import { type HeldLease, type Lock, type LeaseGrant, isLockError, lead, once, withLocks } from "../../src/client.ts";
import { freshId, outcome } from "../support/outcome.ts";

/** One kind of lock over one transport. */
export interface Fixture {
  /** How many can hold it at a time. */
  capacity: number;
  /** The lock under test, and the exclusive lock on the same object. */
  make: (id: string) => { lock: Lock; exclusive: Lock };
}

const empty = { locked: false, holders: [], waiters: [] };
const borrowed = { success: false, reason: "BORROWED" };
const gone = { success: false, reason: "NO_LONGER_VALID" };

/** What every lock must do. */
export function describeLock(name: string, { capacity, make }: Fixture): void {
  // Concurrent: most of a test waits for time to pass, and each test has separate locks.
  describe.concurrent(`Contract of ${name}`, () => {
    const fresh = () => make(freshId());
    /** As many as can hold it, at most three: enough to see them share. */
    const several = Math.min(3, capacity);
    const untilWaiting = (lock: Lock, count: number) =>
      vi.waitFor(async () => expect((await lock.status()).waiters).toHaveLength(count), {
        timeout: 10_000,
        interval: 20,
      });
    const take = async (lock: Lock, ttl = 60_000): Promise<number> => {
      const result = await lock.acquire(ttl);
      if (!result.success) throw new Error(result.reason);
      return result.lease;
    };

    it("G1 A lock admits as many holders as its kind allows, and none beside an exclusive holder.", async () => {
      const { lock, exclusive } = fresh();
      for (let n = 0; n < several; n += 1) await take(lock);
      if (capacity <= several) expect(await lock.acquire(1_000)).toMatchObject(borrowed);
      expect(await exclusive.acquire(1_000)).toMatchObject(borrowed);
      expect((await lock.status()).holders).toHaveLength(several);
      await lock.forceRelease();
      await take(exclusive);
      expect(await lock.acquire(1_000)).toMatchObject(borrowed);
    });

    it("G2 A lock gives out growing lease numbers.", async () => {
      const { lock } = fresh();
      const leases: number[] = [];
      for (let n = 0; n < 4; n += 1) {
        leases.push(await take(lock));
        await lock.release(leases.at(-1) as number);
      }
      expect(leases).toEqual([...new Set(leases)].sort((a, b) => a - b));
    });

    it("G3 A lease that was released or has expired is neither renewed nor released again.", async () => {
      const { lock } = fresh();
      const released = await take(lock);
      expect(await lock.release(released)).toBe(true);
      const expired = await take(lock, 600);
      await vi.waitFor(async () => expect(await lock.isLocked()).toBe(false), { timeout: 10_000, interval: 20 });
      for (const lease of [released, expired]) {
        expect(await lock.renew(lease, 1_000)).toMatchObject(gone);
        expect(await lock.acquire(1_000, lease)).toMatchObject(gone);
        expect(await lock.release(lease)).toMatchObject(gone);
      }
      expect(await lock.status()).toEqual(empty);
    });

    it("The primitives answer in results: granted, renewed, released, and who holds the lock.", async () => {
      const { lock } = fresh();
      const { acquire, renew, release, isLocked, status } = lock;
      expect(await isLocked()).toBe(false);
      const taken = await acquire(60_000, { owner: "me" });
      expect(taken).toMatchObject({ success: true, lease: expect.any(Number), deadline: expect.any(Number) });
      const { lease } = taken as { lease: number };
      expect(await renew(lease, 60_000)).toMatchObject({ success: true, lease });
      expect(await isLocked()).toBe(true);
      expect(await status()).toMatchObject({ locked: true, holders: [{ lease, owner: "me" }], waiters: [] });
      expect(await release(lease)).toBe(true);
    });

    it("G4 A lock serves its callers in the order of arrival, and none overtakes another.", async () => {
      const { lock, exclusive } = fresh();
      const first = await exclusive.hold();
      const order: string[] = [];
      const waiting = [exclusive.withLock(() => void order.push("exclusive"))];
      await untilWaiting(lock, 1);
      waiting.push(lock.withLock(() => void order.push("late")));
      await untilWaiting(lock, 2);
      expect(await lock.acquire(1_000)).toMatchObject(borrowed);
      await first.release();
      await Promise.all(waiting);
      expect(order).toEqual(["exclusive", "late"]);
    });

    it("G9 A caller waits no longer than its wait and then gets LOCK_TIMEOUT.", async () => {
      const { lock, exclusive } = fresh();
      const held = await exclusive.hold();
      expect(await lock.acquire(1_000, { wait: 20 })).toMatchObject(borrowed);
      expect(await outcome(lock.withLock(() => {}, { wait: 20 }))).toMatchObject({ error: { code: "LOCK_TIMEOUT" } });
      expect(await lock.tryWithLock(() => {})).toMatchObject({ acquired: false, reason: "BORROWED" });
      expect((await lock.status()).waiters).toEqual([]);
      await held.release();
    });

    it("G8 An abort during a wait removes the waiter from the queue and rejects with its reason.", async () => {
      const { lock, exclusive } = fresh();
      const held = await exclusive.hold();
      const abort = new AbortController();
      const waiting = outcome(lock.hold({ signal: abort.signal }));
      await untilWaiting(lock, 1);
      abort.abort(new Error("enough"));
      expect(await waiting).toMatchObject({ error: { message: "enough" } });
      expect((await lock.status()).waiters).toEqual([]);
      await held.release();
    });

    it("G5 A repeated request has no second effect.", async () => {
      const { lock } = fresh();
      const request = { requestId: "the same" };
      const first = await lock.acquire(60_000, request);
      expect(await lock.acquire(60_000, request)).toMatchObject({ success: true, lease: (first as LeaseGrant).lease });
      expect((await lock.status()).holders).toHaveLength(1);
      const { lease } = first as LeaseGrant;
      expect(await lock.release(lease, request)).toBe(true);
      expect(await lock.release(lease, request)).toBe(true);
      expect(await lock.acquire(60_000, request)).toMatchObject(gone);
    });

    it("A hold lasts beyond its ttl, and no longer than maxHold.", async () => {
      const { lock } = fresh();
      const held = await lock.hold({ ttl: 6_000 });
      const first = held.deadline;
      await vi.waitFor(() => expect(held.isLost() || held.deadline > first + 500).toBe(true), { timeout: 10_000 });
      expect(held.isLost()).toBe(false);
      expect(await held.release()).toBe(true);
      const capped = await lock.hold({ ttl: 60_000, maxHold: 4_000 });
      await vi.waitFor(() => expect(capped.signal.aborted).toBe(true), { timeout: 10_000 });
    });

    it("minHold keeps the lock taken after an early release.", async () => {
      const { lock, exclusive } = fresh();
      await lock.withLock(() => {}, { minHold: 60_000 });
      expect(await exclusive.acquire(1_000)).toMatchObject(borrowed);
    });

    it("G6 G7 The signal reports a loss, and withLock rejects even if fn resolved.", async () => {
      const { lock } = fresh();
      const work = async ({ signal }: HeldLease) => {
        await lock.forceRelease();
        await vi.waitFor(() => expect(signal.aborted).toBe(true), { timeout: 10_000, interval: 20 });
      };
      const { error } = await outcome(lock.withLock(work, { ttl: 6_000 }));
      expect(isLockError(error, "LEASE_LOST") && error.why).toBe("superseded");
    });

    it("G7 withLock returns what fn returns and throws what fn throws.", async () => {
      const { lock } = fresh();
      expect(await lock.withLock(() => "value")).toBe("value");
      expect(await lock.tryWithLock(async () => 7)).toEqual({ acquired: true, value: 7 });
      const failing = outcome(lock.withLock(() => Promise.reject(new Error("broken"))));
      expect(await failing).toMatchObject({ error: { message: "broken" } });
      expect(await lock.status()).toEqual(empty);
    });

    it("resume makes a lease a hold of the caller that resumes it.", async () => {
      const { lock } = fresh();
      const lease = await take(lock);
      const held = await lock.resume(lease);
      expect(await held.release()).toBe(true);
      expect(await outcome(lock.resume(lease))).toMatchObject({ error: { code: "LEASE_LOST" } });
    });

    it("A hold is released once, gives the same answer twice, and is released at the end of a block.", async () => {
      const { lock } = fresh();
      const held = await lock.hold();
      expect([await held.release(), await held.release()]).toEqual([true, true]);
      {
        await using again = await lock.hold();
        expect(again.isLost()).toBe(false);
      }
      expect(await lock.status()).toEqual(empty);
    });

    it("requestRelease asks the holders to release, and forceRelease takes the lock from them.", async () => {
      const { lock } = fresh();
      const asked = vi.fn();
      // With an exit watch the holder learns about it at once; without one, with its next renewal.
      const ttl = lock.primitives.watchExit ? 60_000 : 9_000;
      const held = await lock.hold({
        ttl,
        releaseOnExit: lock.primitives.watchExit !== undefined,
        onReleaseRequested: asked,
      });
      await lock.requestRelease();
      await vi.waitFor(() => expect(asked).toHaveBeenCalledTimes(1), { timeout: 10_000, interval: 20 });
      expect(await lock.forceRelease()).toBeGreaterThan(held.lease);
      await vi.waitFor(() => expect(held.isLost()).toBe(true), { timeout: 10_000, interval: 20 });
      expect(await lock.isLocked()).toBe(false);
    });

    it("lockDelay keeps a conflicting claim out after an expiry.", async () => {
      const { lock, exclusive } = fresh();
      await lock.acquire(600, { lockDelay: 60_000 });
      await vi.waitFor(async () => expect(await lock.isLocked()).toBe(false), { timeout: 10_000, interval: 20 });
      expect(await exclusive.acquire(1_000)).toMatchObject(borrowed);
    });

    it.each([
      ["ttl", (lock: Lock) => lock.acquire(0)],
      ["wait", (lock: Lock) => lock.acquire(1_000, { wait: -1 })],
      ["owner", (lock: Lock) => lock.hold({ owner: "" })],
      ["ttl", (lock: Lock) => lock.withLock(() => {}, { ttl: Number.NaN })],
      ["fn", (lock: Lock) => lock.withLock(7 as never)],
      ["nonsense", (lock: Lock) => lock.hold({ nonsense: 1 } as object)],
    ])("G9 A bad %s is refused and changes nothing.", async (argument, call) => {
      const { lock } = fresh();
      expect(await outcome<unknown>(call(lock))).toMatchObject({ error: { code: "INVALID_ARGUMENT", argument } });
      expect(await lock.status()).toEqual(empty);
    });

    it("The combinators withLocks, once and lead work on every kind of lock.", async () => {
      const [{ lock }, { lock: other }] = [fresh(), fresh()];
      const both = await withLocks([lock, other], async () => [await lock.isLocked(), await other.isLocked()]);
      expect(both).toEqual([true, true]);
      let runs = 0;
      const job = () => `run ${(runs += 1)}`;
      expect(await Promise.all([once(lock, job), once(lock, job)])).toEqual(["run 1", "run 1"]);
      expect(await lead(other, ({ term }) => term)).toBeGreaterThan(0);
      expect(await lock.status()).toEqual(empty);
      expect(await other.status()).toEqual(empty);
    });
  });
}
