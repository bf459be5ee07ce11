import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { crash, freshId, leaseOf, lockOf, outcome, stubOf } from "../../support/locks.ts";

const READ = { permits: 1, capacity: Number.POSITIVE_INFINITY };

describe("G1 exclusion", () => {
  it("One of many acquires at once gets the exclusive lease.", async () => {
    const lock = lockOf(freshId());
    const results = await Promise.all(Array.from({ length: 100 }, () => lock.acquire(10_000)));
    expect(results.filter(({ success }) => success)).toHaveLength(1);
    expect(results.filter((result) => !result.success && result.reason === "BORROWED")).toHaveLength(99);
  });

  it("A refused acquire learns when the lease ends.", async () => {
    const lock = lockOf(freshId());
    await lock.acquire(600_000);
    const refused = await lock.acquire(600_000);
    expect(refused).toMatchObject({ success: false, reason: "BORROWED" });
    const { retryAfter } = refused as { retryAfter: number };
    expect(retryAfter).toBeGreaterThan(300_000);
    expect(retryAfter).toBeLessThanOrEqual(600_000);
  });

  it("Shared leases stand beside each other and keep an exclusive one out.", async () => {
    const lock = lockOf(freshId());
    const first = await leaseOf(lock.acquire(10_000, READ));
    const second = await leaseOf(lock.acquire(10_000, READ));
    expect(await lock.acquire(10_000)).toMatchObject({ reason: "BORROWED" });
    await lock.release(first);
    expect(await lock.acquire(10_000)).toMatchObject({ reason: "BORROWED" });
    await lock.release(second);
    expect(await lock.acquire(10_000)).toMatchObject({ success: true });
    expect(await lock.acquire(10_000, READ)).toMatchObject({ reason: "BORROWED" });
  });

  it("The permits in use never exceed the requested capacity.", async () => {
    const lock = lockOf(freshId());
    const two = await leaseOf(lock.acquire(10_000, { permits: 2, capacity: 3 }));
    expect(await lock.acquire(10_000, { permits: 2, capacity: 3 })).toMatchObject({ reason: "BORROWED" });
    expect(await lock.acquire(10_000, { permits: 1, capacity: 3 })).toMatchObject({ success: true });
    expect(await lock.acquire(10_000, { permits: 1, capacity: 3 })).toMatchObject({ reason: "BORROWED" });
    await lock.release(two);
    expect(await lock.acquire(10_000, { permits: 2, capacity: 3 })).toMatchObject({ success: true });
  });

  it("A lease survives an eviction.", async () => {
    const id = freshId();
    const lease = await leaseOf(lockOf(id).acquire(10_000));
    await evictDurableObject(stubOf(id));
    expect(await lockOf(id).acquire(10_000)).toMatchObject({ reason: "BORROWED" });
    expect(await lockOf(id).renew(lease, 10_000)).toMatchObject({ success: true, lease });
  });

  it("A lease survives a crash.", async () => {
    const id = freshId();
    const lease = await leaseOf(lockOf(id).acquire(10_000, READ));
    await crash(id);
    expect(await lockOf(id).acquire(10_000)).toMatchObject({ reason: "BORROWED" });
    expect(await lockOf(id).release(lease)).toBe(true);
  });

  it("A released lock stays free across a crash.", async () => {
    const id = freshId();
    await lockOf(id).release(await leaseOf(lockOf(id).acquire(10_000)));
    await crash(id);
    expect(await lockOf(id).isLocked()).toBe(false);
    expect(await lockOf(id).acquire(10_000)).toMatchObject({ success: true });
  });

  it("A change that can't be written has no effect: the object starts again from storage.", async () => {
    const id = freshId();
    const before = await leaseOf(lockOf(id).acquire(10_000));
    await runInDurableObject(stubOf(id), (_lock, { storage }) => {
      vi.spyOn(storage.sql, "exec").mockImplementation(() => {
        throw new Error("disk is full");
      });
    });
    expect((await outcome((async () => await stubOf(id).release(before))())).error).toBeDefined();
    vi.restoreAllMocks();
    expect((await lockOf(id).status()).holders).toMatchObject([{ lease: before }]);
    expect(await lockOf(id).release(before)).toBe(true);
  });

  it("A lease ends with its ttl by the object's clock, and not before.", async () => {
    const lock = lockOf(freshId());
    const result = await lock.acquire(10_000);
    const { deadline } = result as { deadline: number };
    const clock = vi.spyOn(Date, "now");
    try {
      clock.mockReturnValue(deadline - 1);
      expect(await lock.isLocked()).toBe(true);
      expect(await lock.acquire(1_000)).toMatchObject({ reason: "BORROWED" });
      clock.mockReturnValue(deadline);
      expect(await lock.isLocked()).toBe(false);
      expect(await lock.acquire(1_000)).toMatchObject({ success: true });
    } finally {
      clock.mockRestore();
    }
  });

  it("A lease lasts no longer than its ttl of true time, even if the clock steps back.", async () => {
    const id = freshId();
    const lock = lockOf(id);
    const start = Date.now();
    const clock = vi.spyOn(Date, "now");
    try {
      clock.mockReturnValue(start);
      await lock.acquire(10_000);
      clock.mockReturnValue(start - 3_600_000);
      expect(await lock.acquire(1_000)).toMatchObject({ reason: "BORROWED" });
      clock.mockReturnValue(start - 3_600_000 + 10_000);
      expect(await lock.acquire(10_000)).toMatchObject({ success: true });
      await crash(id);
      clock.mockReturnValue(start - 7_200_000);
      expect(await lockOf(id).acquire(1_000)).toMatchObject({ reason: "BORROWED", retryAfter: 10_000 });
    } finally {
      clock.mockRestore();
    }
  });
});

describe("G2 fencing", () => {
  it("Lease numbers grow across release, expiry, eviction and a crash.", async () => {
    const id = freshId();
    const numbers: number[] = [];
    numbers.push(await leaseOf(lockOf(id).acquire(10_000)));
    await lockOf(id).release(numbers[0] as number);
    numbers.push(await leaseOf(lockOf(id).acquire(1)));
    await vi.waitFor(async () => expect(await lockOf(id).isLocked()).toBe(false), { timeout: 10_000, interval: 1 });
    numbers.push(await leaseOf(lockOf(id).acquire(10_000)));
    await lockOf(id).release(numbers[2] as number);
    await evictDurableObject(stubOf(id));
    numbers.push(await leaseOf(lockOf(id).acquire(10_000)));
    await lockOf(id).release(numbers[3] as number);
    await crash(id);
    numbers.push(await leaseOf(lockOf(id).acquire(10_000)));
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    expect(new Set(numbers).size).toBe(5);
    expect(numbers.every(Number.isSafeInteger)).toBe(true);
  });

  it("Lease numbers grow when the clock steps back, in memory and after a crash.", async () => {
    const id = freshId();
    const first = await leaseOf(lockOf(id).acquire(10_000));
    await lockOf(id).release(first);
    const clock = vi.spyOn(Date, "now").mockReturnValue(1_000);
    try {
      const second = await leaseOf(lockOf(id).acquire(10_000));
      await lockOf(id).release(second);
      await crash(id);
      const third = await leaseOf(lockOf(id).acquire(10_000));
      expect(second).toBeGreaterThan(first);
      expect(third).toBeGreaterThan(second);
    } finally {
      clock.mockRestore();
    }
  });
});

describe("G3 dead leases", () => {
  it("A released lease can be neither renewed nor released, and an acquire with its number is refused.", async () => {
    const lock = lockOf(freshId());
    const lease = await leaseOf(lock.acquire(10_000));
    expect(await lock.release(lease)).toBe(true);
    const gone = { success: false, reason: "NO_LONGER_VALID" };
    expect(await lock.renew(lease, 10_000)).toEqual(gone);
    expect(await lock.acquire(10_000, lease)).toEqual(gone);
    expect(await lock.release(lease)).toEqual(gone);
    expect(await lock.isLocked()).toBe(false);
  });

  it("An expired lease can be neither renewed nor released, even if the lock is still free.", async () => {
    const lock = lockOf(freshId());
    const lease = await leaseOf(lock.acquire(1));
    await vi.waitFor(async () => expect(await lock.isLocked()).toBe(false), { timeout: 10_000, interval: 1 });
    expect(await lock.renew(lease, 10_000)).toMatchObject({ reason: "NO_LONGER_VALID" });
    expect(await lock.release(lease)).toMatchObject({ reason: "NO_LONGER_VALID" });
    expect(await lock.isLocked()).toBe(false);
  });

  it("A lease that was reported dead stays dead after a crash, even if the clock steps back.", async () => {
    const id = freshId();
    const start = Date.now();
    const clock = vi.spyOn(Date, "now").mockReturnValue(start);
    try {
      const lease = await leaseOf(lockOf(id).acquire(10_000));
      clock.mockReturnValue(start + 10_000);
      expect(await lockOf(id).renew(lease, 10_000)).toMatchObject({ reason: "NO_LONGER_VALID" });
      await crash(id);
      clock.mockReturnValue(start + 5_000);
      expect(await lockOf(id).renew(lease, 10_000)).toMatchObject({ reason: "NO_LONGER_VALID" });
    } finally {
      clock.mockRestore();
    }
  });

  it("One holder can't end another's lease.", async () => {
    const lock = lockOf(freshId());
    const first = await leaseOf(lock.acquire(10_000));
    await lock.release(first);
    const second = await leaseOf(lock.acquire(10_000));
    expect(await lock.release(first)).toMatchObject({ reason: "NO_LONGER_VALID" });
    expect(await lock.release(second + 1)).toMatchObject({ reason: "NO_LONGER_VALID" });
    expect(await lock.renew(second, 10_000)).toMatchObject({ success: true });
  });

  it("An acquire with a lease renews it.", async () => {
    const lock = lockOf(freshId());
    const lease = await leaseOf(lock.acquire(1_000));
    const renewed = await lock.acquire(20_000, lease);
    expect(renewed).toMatchObject({ success: true, lease });
    expect(await lock.acquire(1_000)).toMatchObject({ reason: "BORROWED" });
  });

  it("The refusal of a dead lease says how it ended.", async () => {
    const id = freshId();
    const stub = stubOf(id);
    const released = await leaseOf(stub.acquire(10_000));
    await stub.release(released);
    expect(await stub.renew(released, 1_000)).toMatchObject({ ended: "released" });
    const expired = await leaseOf(stub.acquire(1));
    await vi.waitFor(async () => expect(await stub.isLocked()).toBe(false), { timeout: 10_000, interval: 1 });
    expect(await stub.renew(expired, 1_000)).toMatchObject({ ended: "expired" });
    await stub.acquire(10_000);
    expect(await stub.renew(expired, 1_000)).toMatchObject({ ended: "superseded" });
  });
});
