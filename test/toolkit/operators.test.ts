import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { useSemaphore } from "../../src/index.ts";
import { faultyNamespace, losingReplies } from "../support/faulty-namespace.ts";
import {
  crash,
  freshId,
  freshLock,
  holders,
  leaseOf,
  lockOf,
  outcome,
  stubOf,
  untilWaiting,
} from "../support/locks.ts";

describe("forceRelease", () => {
  it("G3 ends the lease of whoever holds the lock, which can't be renewed or released any more", async () => {
    const lock = freshLock();
    const lease = await leaseOf(lock.acquire(60_000));
    await lock.forceRelease();
    expect(await lock.isLocked()).toBe(false);
    expect(await lock.renew(lease, 1_000)).toEqual({ success: false, reason: "NO_LONGER_VALID" });
    expect(await lock.release(lease)).toEqual({ success: false, reason: "NO_LONGER_VALID" });
  });

  it("G2 answers a number above all before and below all after, also over a restart", async () => {
    const lock = freshLock();
    const lease = await leaseOf(lock.acquire(60_000));
    const fence = await lock.forceRelease();
    expect(fence).toBeGreaterThan(lease);
    await crash(lock.id);
    expect(await leaseOf(lock.acquire(1_000))).toBeGreaterThan(fence);
  });

  it("hands the lock to the next in line in the same step", async () => {
    const lock = freshLock();
    await lock.acquire(60_000);
    const next = lock.withLock(() => "in");
    await untilWaiting(lock.id, 1);
    await lock.forceRelease();
    expect(await next).toBe("in");
  });

  it("G5 has one effect though its reply is lost: the next holder keeps its lease", async () => {
    const id = freshId();
    await lockOf(id).acquire(60_000);
    const next = lockOf(id).hold();
    await untilWaiting(id, 1);
    const { namespace, calls } = faultyNamespace(losingReplies(["forceRelease"]));
    await lockOf(id, namespace).forceRelease();
    expect(calls.filter(({ method }) => method === "forceRelease")).toHaveLength(2);
    expect(await (await next).release()).toBe(true);
  });

  it("G5 repeated after a restart has no second effect either", async () => {
    const id = freshId();
    await lockOf(id).acquire(60_000);
    const fence = await stubOf(id).forceRelease({ requestId: "by hand" });
    await crash(id);
    const lease = await leaseOf(lockOf(id).acquire(60_000));
    expect(await stubOf(id).forceRelease({ requestId: "by hand" })).toBe(fence);
    expect(await lockOf(id).release(lease)).toBe(true);
  });

  it("G7 makes withLock of the victim reject, which learns with its next renewal", async () => {
    const lock = freshLock();
    const victim = outcome(
      lock.withLock(
        async ({ signal }) => {
          await lock.forceRelease();
          await vi.waitFor(() => expect(signal.aborted).toBe(true), { timeout: 5_000 });
        },
        { ttl: 600 },
      ),
    );
    expect(await victim).toMatchObject({ error: { code: "LEASE_LOST", why: "superseded" } });
  });

  it("reaches a bound victim at once", async () => {
    const lock = freshLock();
    const held = await lock.hold({ ttl: 60_000, bound: true });
    await lock.forceRelease();
    await vi.waitFor(() => expect(held.signal.aborted).toBe(true), { timeout: 5_000 });
    expect(held.signal.reason).toMatchObject({ why: "superseded" });
  });

  it("ends all shared leases", async () => {
    const id = freshId();
    const { acquire, forceRelease } = useSemaphore(env.DURABLE_LOCK, id, { permits: 3 });
    for (let n = 0; n < 3; n += 1) await acquire(60_000);
    await forceRelease();
    expect(await holders(id)).toBe(0);
  });

  it("works on a lock that is free", async () => {
    const lock = freshLock();
    const fence = await lock.forceRelease();
    expect(await leaseOf(lock.acquire(1_000))).toBeGreaterThan(fence);
  });
});

describe("requestRelease", () => {
  it("calls the holder once, with its next renewal, and takes nothing from it", async () => {
    const lock = freshLock();
    const asked = vi.fn();
    const held = await lock.hold({ ttl: 900, onReleaseRequested: asked });
    await lock.requestRelease();
    await lock.requestRelease();
    await vi.waitFor(() => expect(asked).toHaveBeenCalledWith(held), { timeout: 5_000 });
    for (let n = 0; n < 3; n += 1) await held.renew();
    expect(asked).toHaveBeenCalledTimes(1);
    expect(await held.release()).toBe(true);
  });

  it("reaches a bound holder at once", async () => {
    const lock = freshLock();
    const asked = vi.fn();
    const held = await lock.hold({ ttl: 60_000, bound: true, onReleaseRequested: asked });
    await lock.requestRelease();
    await vi.waitFor(() => expect(asked).toHaveBeenCalledTimes(1), { timeout: 5_000 });
    expect(await held.release()).toBe(true);
  });

  it("is shown by status() and survives a restart of the object", async () => {
    const lock = freshLock();
    const asked = vi.fn();
    const held = await lock.hold({ ttl: 60_000, onReleaseRequested: asked });
    await lock.requestRelease();
    await crash(lock.id);
    expect((await lock.status()).holders).toMatchObject([{ releaseRequested: true }]);
    await held.renew();
    await vi.waitFor(() => expect(asked).toHaveBeenCalledTimes(1));
    await held.release();
  });

  it("asks those who hold now, and nobody who comes later", async () => {
    const lock = freshLock();
    const first = await lock.hold();
    await lock.requestRelease();
    await first.release();
    const second = await lock.hold();
    expect((await lock.status()).holders[0]).not.toHaveProperty("releaseRequested");
    await second.release();
  });

  it("does not disturb a holder that does not care, nor a lock that is free", async () => {
    const lock = freshLock();
    await lock.requestRelease();
    expect(await lock.withLock(async () => (await lock.requestRelease(), "done"))).toBe("done");
  });
});

describe("lockDelay", () => {
  const untilExpired = (lock: { isLocked: () => Promise<boolean> }) =>
    vi.waitFor(async () => expect(await lock.isLocked()).toBe(false), { timeout: 5_000, interval: 5 });

  it("keeps the lock from others for so long after the lease expired, and status() says until when", async () => {
    const lock = freshLock();
    await lock.acquire(50, { lockDelay: 60_000 });
    const before = Date.now();
    await untilExpired(lock);
    const refused = await lock.acquire(1_000);
    expect(refused).toMatchObject({ success: false, reason: "BORROWED" });
    const { delayedUntil, holders: live } = await lock.status();
    expect(live).toEqual([]);
    expect(delayedUntil).toBeGreaterThan(before + 50_000);
  });

  it("is off by default", async () => {
    const lock = freshLock();
    await lock.acquire(50);
    await untilExpired(lock);
    expect(await lock.acquire(1_000)).toMatchObject({ success: true });
  });

  it("does not follow a release or a forced one", async () => {
    const lock = freshLock();
    await lock.release(await leaseOf(lock.acquire(60_000, { lockDelay: 60_000 })));
    await leaseOf(lock.acquire(60_000, { lockDelay: 60_000 }));
    await lock.forceRelease();
    expect(await lock.acquire(1_000)).toMatchObject({ success: true });
  });

  it("is over by itself for one who waits", async () => {
    const lock = freshLock();
    await lock.acquire(50, { lockDelay: 300 });
    expect(await lock.withLock(() => "in", { wait: 15_000 })).toBe("in");
  });

  it("G3 does not keep the lease alive", async () => {
    const lock = freshLock();
    const lease = await leaseOf(lock.acquire(50, { lockDelay: 60_000 }));
    await untilExpired(lock);
    expect(await lock.renew(lease, 1_000)).toMatchObject({ success: false, reason: "NO_LONGER_VALID" });
  });

  it("survives a restart of the object, whether or not the expiry was written", async () => {
    const lock = freshLock();
    const lease = await leaseOf(lock.acquire(50, { lockDelay: 60_000 }));
    await untilExpired(lock);
    await crash(lock.id);
    expect(await lock.acquire(1_000)).toMatchObject({ success: false });
    await lock.renew(lease, 1_000);
    await crash(lock.id);
    expect(await lock.acquire(1_000)).toMatchObject({ success: false });
  });

  it("holds up only what conflicts with the lease that expired", async () => {
    const semaphore = useSemaphore(env.DURABLE_LOCK, freshId(), { permits: 3 });
    await semaphore.acquire(50, { permits: 2, lockDelay: 60_000 });
    await untilExpired(semaphore);
    expect(await semaphore.acquire(1_000)).toMatchObject({ success: true });
    expect(await semaphore.acquire(1_000)).toMatchObject({ success: false });
  });

  it("ends with a forced release", async () => {
    const lock = freshLock();
    await lock.acquire(50, { lockDelay: 60_000 });
    await untilExpired(lock);
    await lock.forceRelease();
    expect(await lock.acquire(1_000)).toMatchObject({ success: true });
  });

  it.each([0, -1, 1.5, 86_400_001, Number.NaN, null])("G9 refuses %s", async (lockDelay) => {
    const lock = freshLock();
    const { error } = await outcome(lock.acquire(1_000, { lockDelay: lockDelay as number }));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument: "lockDelay" });
    expect(await lock.isLocked()).toBe(false);
  });
});
