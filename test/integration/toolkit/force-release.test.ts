import { afterEach, describe, expect, it, vi } from "vitest";
import { type ExitWatchReply, isLockError } from "../../../src/index.ts";
import { faultyNamespace, losingReplies } from "../../support/faulty-namespace.ts";
import { crash, freshId, leaseOf, lockOf, outcome, stubOf, untilWaiting, waiters } from "../../support/locks.ts";

const DAY = 86_400_000;
const READ = { permits: 1, capacity: Number.POSITIVE_INFINITY };
const NO_LONGER_VALID = { success: false, reason: "NO_LONGER_VALID" };

/** Sets the object's clock and the client's wall clock to this many ms after the start; timers are not affected. */
const setClock = (ms: number) => vi.spyOn(Date, "now").mockReturnValue(start + ms);
const start = Date.now();

const until = (condition: () => Promise<void> | void) => vi.waitFor(condition, { timeout: 10_000, interval: 5 });

afterEach(() => {
  vi.restoreAllMocks();
});

describe("forceRelease", () => {
  it("G3: forceRelease ends the holder's lease, which can no longer be renewed or released.", async () => {
    const id = freshId();
    const lease = await leaseOf(lockOf(id).acquire(60_000));
    await lockOf(id).forceRelease();
    expect(await lockOf(id).isLocked()).toBe(false);
    expect(await lockOf(id).renew(lease, 60_000)).toEqual(NO_LONGER_VALID);
    expect(await lockOf(id).release(lease)).toEqual(NO_LONGER_VALID);
    expect(await stubOf(id).renew(lease, 60_000)).toEqual({ ...NO_LONGER_VALID, ended: "superseded" });
  });

  it("G7: After forceRelease, withLock rejects with LEASE_LOST (superseded) when fn settles.", async () => {
    const id = freshId();
    const { error } = await outcome(lockOf(id).withLock(() => lockOf(id).forceRelease()));
    expect(isLockError(error, "LEASE_LOST") && error.why).toBe("superseded");
  });

  it("G6: A holder learns about forceRelease with its next renewal.", async () => {
    const id = freshId();
    await using held = await lockOf(id).hold({ ttl: 6_000 });
    await lockOf(id).forceRelease();
    await until(() => expect(held.signal.aborted).toBe(true));
    expect(held.signal.reason).toMatchObject({ code: "LEASE_LOST", why: "superseded" });
  });

  it("G6: A holder with releaseOnExit learns about forceRelease at once.", async () => {
    const id = freshId();
    // Its first renewal would come after 20 minutes.
    await using held = await lockOf(id).hold({ ttl: 3_600_000, releaseOnExit: true });
    await lockOf(id).forceRelease();
    await until(() => expect(held.signal.aborted).toBe(true));
    expect(held.signal.reason).toMatchObject({ why: "superseded" });
  });

  it("G3: An exit watch reports an expiry only after it is stored, so no clock change brings the lease back.", async () => {
    const id = freshId();
    setClock(0);
    const lease = await leaseOf(lockOf(id).acquire(60_000));
    const watch = (await stubOf(id).watchExit(lease)) as unknown as ExitWatchReply;
    setClock(60_000);
    expect(await watch.events.next(false)).toEqual({ ended: "expired" });
    setClock(-3_600_000);
    await crash(id);
    expect(await lockOf(id).isLocked()).toBe(false);
  });

  it("G2: forceRelease returns a number above all leases before it and below all leases after it.", async () => {
    const id = freshId();
    const before = await leaseOf(lockOf(id).acquire(60_000));
    const fence = await lockOf(id).forceRelease();
    expect(fence).toBeGreaterThan(before);
    const after = await leaseOf(lockOf(id).acquire(60_000));
    expect(after).toBeGreaterThan(fence);
    expect(await lockOf(id).forceRelease()).toBeGreaterThan(after);
  });

  it("G2: The number from forceRelease stays below later leases after a restart and a clock that steps back.", async () => {
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

  it("G4: forceRelease gives the lock to the next waiter in the same step.", async () => {
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

  it("G5: A forceRelease that is repeated after a lost reply does not end the next holder's lease.", async () => {
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

  it("G5: A forceRelease that is repeated after a restart does not end the next holder's lease.", async () => {
    const id = freshId();
    await leaseOf(lockOf(id).acquire(60_000));
    const fence = await stubOf(id).forceRelease({ requestId: "force" });
    const lease = await leaseOf(lockOf(id).acquire(60_000));
    await crash(id);
    expect(await stubOf(id).forceRelease({ requestId: "force" })).toBe(fence);
    expect((await lockOf(id).status()).holders).toMatchObject([{ lease }]);
  });

  it("forceRelease ends the leases of all holders of a shared lock.", async () => {
    const id = freshId();
    const leases = [];
    for (let reader = 0; reader < 3; reader += 1) leases.push(await leaseOf(lockOf(id).acquire(60_000, READ)));
    const writer = lockOf(id).acquire(60_000, { wait: 20_000 });
    await untilWaiting(id, 1);
    await lockOf(id).forceRelease();
    const lease = await leaseOf(writer);
    expect((await lockOf(id).status()).holders).toMatchObject([{ lease, exclusive: true }]);
    for (const reader of leases) expect(await lockOf(id).renew(reader, 1_000)).toEqual(NO_LONGER_VALID);
    // They stay dead: no restart with a clock that stepped back brings one of them back (G3).
    setClock(-3_600_000);
    await crash(id);
    expect((await lockOf(id).status()).holders).toMatchObject([{ lease }]);
  });

  it("forceRelease works on a free lock and on a lock that was never used, and leaves them free.", async () => {
    const id = freshId();
    const first = await lockOf(id).forceRelease();
    expect(await lockOf(id).forceRelease()).toBeGreaterThan(first);
    expect(await lockOf(id).status()).toEqual({ locked: false, holders: [], waiters: [] });
    expect(await lockOf(id).acquire(1_000)).toMatchObject({ success: true });
  });

  it("forceRelease ends a lock-delay, also for a caller that is waiting for its end.", async () => {
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
