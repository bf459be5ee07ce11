import { afterEach, describe, expect, it, vi } from "vitest";
import { type ExitWatchReply, isLockError } from "../../../src/index.ts";
import { faultyNamespace, losingReplies } from "../../support/faulty-namespace.ts";
import { crash, freshId, leaseOf, lockOf, outcome, stubOf, untilWaiting, waiters } from "../../support/locks.ts";

const DAY = 86_400_000;
const READ = { permits: 1, capacity: Number.POSITIVE_INFINITY };
const NO_LONGER_VALID = { success: false, reason: "NO_LONGER_VALID" };

/** The object's clock and the client's wall clock, so many ms from now; timers go on as ever. */
const setClock = (ms: number) => vi.spyOn(Date, "now").mockReturnValue(start + ms);
const start = Date.now();

const until = (condition: () => Promise<void> | void) => vi.waitFor(condition, { timeout: 10_000, interval: 5 });

afterEach(() => {
  vi.restoreAllMocks();
});

describe("forceRelease", () => {
  it("ends the holder's lease: it can be renewed and released no more (G3)", async () => {
    const id = freshId();
    const lease = await leaseOf(lockOf(id).acquire(60_000));
    await lockOf(id).forceRelease();
    expect(await lockOf(id).isLocked()).toBe(false);
    expect(await lockOf(id).renew(lease, 60_000)).toEqual(NO_LONGER_VALID);
    expect(await lockOf(id).release(lease)).toEqual(NO_LONGER_VALID);
    expect(await stubOf(id).renew(lease, 60_000)).toEqual({ ...NO_LONGER_VALID, ended: "superseded" });
  });

  it("is found out by withLock when fn settles: LEASE_LOST, superseded (G7)", async () => {
    const id = freshId();
    const { error } = await outcome(lockOf(id).withLock(() => lockOf(id).forceRelease()));
    expect(isLockError(error, "LEASE_LOST") && error.why).toBe("superseded");
  });

  it("is found out by the holder with its next renewal (G6)", async () => {
    const id = freshId();
    await using held = await lockOf(id).hold({ ttl: 6_000 });
    await lockOf(id).forceRelease();
    await until(() => expect(held.signal.aborted).toBe(true));
    expect(held.signal.reason).toMatchObject({ code: "LEASE_LOST", why: "superseded" });
  });

  it("is found out at once by a holder that is bound (G6)", async () => {
    const id = freshId();
    // Its first renewal would come after 20 minutes.
    await using held = await lockOf(id).hold({ ttl: 3_600_000, releaseOnExit: true });
    await lockOf(id).forceRelease();
    await until(() => expect(held.signal.aborted).toBe(true));
    expect(held.signal.reason).toMatchObject({ why: "superseded" });
  });

  it("and of an expiry a bound holder is told once it is written down: no clock brings the lease back (G3)", async () => {
    const id = freshId();
    setClock(0);
    const lease = await leaseOf(lockOf(id).acquire(60_000));
    const bond = (await stubOf(id).watchExit(lease)) as unknown as ExitWatchReply;
    setClock(60_000);
    expect(await bond.events.next(false)).toEqual({ ended: "expired" });
    setClock(-3_600_000);
    await crash(id);
    expect(await lockOf(id).isLocked()).toBe(false);
  });

  it("answers a number above all before and below all after (G2)", async () => {
    const id = freshId();
    const before = await leaseOf(lockOf(id).acquire(60_000));
    const fence = await lockOf(id).forceRelease();
    expect(fence).toBeGreaterThan(before);
    const after = await leaseOf(lockOf(id).acquire(60_000));
    expect(after).toBeGreaterThan(fence);
    expect(await lockOf(id).forceRelease()).toBeGreaterThan(after);
  });

  it("answers a number that outlasts a restart and a clock that steps back (G2)", async () => {
    const id = freshId();
    const fence = await lockOf(id).forceRelease();
    setClock(-3_600_000);
    await crash(id);
    const after = await leaseOf(lockOf(id).acquire(60_000));
    expect(after).toBeGreaterThan(fence);
    setClock(-7_200_000);
    await crash(id);
    expect(await lockOf(id).forceRelease()).toBeGreaterThan(after);
  });

  it("hands the lock on in the same step: to the next in line (G4)", async () => {
    const id = freshId();
    await leaseOf(lockOf(id).acquire(60_000));
    const next = lockOf(id).acquire(60_000, { wait: 20_000, owner: "next" });
    await untilWaiting(id, 1);
    const last = outcome(lockOf(id).acquire(60_000, { wait: 20_000, owner: "last" }));
    await untilWaiting(id, 2);
    const fence = await lockOf(id).forceRelease();
    const lease = await leaseOf(next);
    expect(lease).toBeGreaterThan(fence);
    expect((await lockOf(id).status()).holders).toMatchObject([{ lease, owner: "next" }]);
    expect(await waiters(id)).toEqual(["last"]);
    await lockOf(id).release(lease);
    expect((await last).value).toMatchObject({ success: true });
  });

  it("repeated after a lost reply does not end the lease of the next holder (G5)", async () => {
    const id = freshId();
    await leaseOf(lockOf(id).acquire(60_000));
    const next = lockOf(id).acquire(60_000, { wait: 20_000 });
    await untilWaiting(id, 1);
    const { namespace, calls } = faultyNamespace(losingReplies(["forceRelease"], 2));
    const fence = await lockOf(id, namespace).forceRelease();
    expect(calls).toHaveLength(3);
    const lease = await leaseOf(next);
    expect(lease).toBeGreaterThan(fence);
    expect((await lockOf(id).status()).holders).toMatchObject([{ lease }]);
  });

  it("repeated after a restart does not either (G5)", async () => {
    const id = freshId();
    await leaseOf(lockOf(id).acquire(60_000));
    const fence = await stubOf(id).forceRelease({ requestId: "force" });
    const lease = await leaseOf(lockOf(id).acquire(60_000));
    await crash(id);
    expect(await stubOf(id).forceRelease({ requestId: "force" })).toBe(fence);
    expect((await lockOf(id).status()).holders).toMatchObject([{ lease }]);
  });

  it("frees the lock of all who share it", async () => {
    const id = freshId();
    const leases = [];
    for (let reader = 0; reader < 3; reader += 1) leases.push(await leaseOf(lockOf(id).acquire(60_000, READ)));
    const writer = lockOf(id).acquire(60_000, { wait: 20_000 });
    await untilWaiting(id, 1);
    await lockOf(id).forceRelease();
    const lease = await leaseOf(writer);
    expect((await lockOf(id).status()).holders).toMatchObject([{ lease, exclusive: true }]);
    for (const reader of leases) expect(await lockOf(id).renew(reader, 1_000)).toEqual(NO_LONGER_VALID);
    // Dead for good: no restart with a clock that stepped back brings one of them back (G3).
    setClock(-3_600_000);
    await crash(id);
    expect((await lockOf(id).status()).holders).toMatchObject([{ lease }]);
  });

  it("works on a free lock and on one that was never used, and leaves them free", async () => {
    const id = freshId();
    const first = await lockOf(id).forceRelease();
    expect(await lockOf(id).forceRelease()).toBeGreaterThan(first);
    expect(await lockOf(id).status()).toEqual({ locked: false, holders: [], waiters: [] });
    expect(await lockOf(id).acquire(1_000)).toMatchObject({ success: true });
  });

  it("ends a lock-delay, also for a caller that waits for its end", async () => {
    const id = freshId();
    await leaseOf(lockOf(id).acquire(1, { lockDelay: DAY }));
    const waiting = lockOf(id).acquire(60_000, { wait: 20_000 });
    await untilWaiting(id, 1);
    await until(async () => expect(await lockOf(id).status()).toHaveProperty("delayedUntil"));
    await lockOf(id).forceRelease();
    await leaseOf(waiting);
    expect(await lockOf(id).status()).not.toHaveProperty("delayedUntil");
  });
});
