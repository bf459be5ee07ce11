import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { useSemaphore } from "../../../src/index.ts";
import { faultyNamespace } from "../../support/faulty-namespace.ts";
import { crash, freshId, leaseOf, lockOf, outcome, stubOf } from "../../support/locks.ts";

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

describe("lockDelay", () => {
  it.each([-1, 1.5, 86_400_001, Number.NaN, null])("G9: lockDelay refuses %s.", async (lockDelay) => {
    const lock = lockOf(freshId());
    expect((await outcome(lock.acquire(60_000, { lockDelay: lockDelay as number }))).error).toMatchObject({
      code: "INVALID_ARGUMENT",
      argument: "lockDelay",
    });
    expect(await lock.isLocked()).toBe(false);
  });

  it("Without a lockDelay, the next caller is granted the lock at once after an expiry.", async () => {
    const id = freshId();
    setClock(0);
    await leaseOf(lockOf(id).acquire(1_000));
    setClock(1_000);
    expect(await lockOf(id).status()).not.toHaveProperty("delayedUntil");
    expect(await lockOf(id).acquire(1_000, { lockDelay: 0 })).toMatchObject({ success: true });
  });

  it("G1: After an expiry, lockDelay keeps everyone out for its length, counted from the lease's own deadline.", async () => {
    const id = freshId();
    setClock(0);
    await leaseOf(lockOf(id).acquire(1_000, { lockDelay: 5_000 }));
    // No call has come for a while.
    setClock(4_000);
    expect(await lockOf(id).status()).toMatchObject({ locked: false, holders: [], delayedUntil: start + 6_000 });
    expect(await lockOf(id).acquire(1_000)).toEqual({ success: false, reason: "BORROWED", retryAfter: 2_000 });
    expect(await lockOf(id).acquire(1_000, READ)).toMatchObject({ reason: "BORROWED" });
    setClock(5_999);
    expect(await lockOf(id).acquire(1_000)).toMatchObject({ retryAfter: 1 });
    setClock(6_000);
    expect(await lockOf(id).acquire(1_000)).toMatchObject({ success: true });
    expect(await lockOf(id).status()).not.toHaveProperty("delayedUntil");
  });

  it("No lock-delay follows a release or a forced release.", async () => {
    const id = freshId();
    const lease = await leaseOf(lockOf(id).acquire(60_000, { lockDelay: DAY }));
    await lockOf(id).release(lease);
    await leaseOf(lockOf(id).acquire(60_000, { lockDelay: DAY }));
    await lockOf(id).forceRelease();
    expect(await lockOf(id).acquire(1_000)).toMatchObject({ success: true });
  });

  it("A lock-delay does not delay the renewal of a live lease.", async () => {
    const id = freshId();
    setClock(0);
    const lease = await leaseOf(lockOf(id).acquire(1_000, { lockDelay: 5_000 }));
    setClock(500);
    await lockOf(id).renew(lease, 1_000);
    setClock(1_200);
    expect(await lockOf(id).renew(lease, 1_000)).toMatchObject({ success: true });
    setClock(2_200);
    expect(await lockOf(id).status()).toMatchObject({ delayedUntil: start + 7_200 });
    expect(await lockOf(id).renew(lease, 1_000)).toEqual(NO_LONGER_VALID);
  });

  it("A lock-delay holds up only what conflicts: a semaphore's other permits stay available.", async () => {
    const { acquire, release } = useSemaphore(env.DURABLE_LOCK, freshId(), { permits: 3 });
    setClock(0);
    await leaseOf(acquire(1_000, { lockDelay: 5_000 }));
    const lease = await leaseOf(acquire(10_000));
    setClock(2_000);
    await leaseOf(acquire(10_000));
    expect(await acquire(10_000)).toMatchObject({ reason: "BORROWED" });
    await release(lease);
    await leaseOf(acquire(10_000));
    expect(await acquire(10_000)).toMatchObject({ reason: "BORROWED" });
    setClock(6_000);
    await leaseOf(acquire(10_000));
  });

  it("A lock-delay survives a restart during which the clock steps back.", async () => {
    const id = freshId();
    setClock(0);
    const lease = await leaseOf(lockOf(id).acquire(1_000, { lockDelay: 5_000 }));
    setClock(2_000);
    await crash(id);
    expect(await lockOf(id).status()).toMatchObject({ delayedUntil: start + 6_000 });
    // The holder has learnt about the end: from now on no clock may bring the lease back.
    expect(await lockOf(id).renew(lease, 1_000)).toEqual(NO_LONGER_VALID);
    setClock(-3_600_000);
    await crash(id);
    expect(await lockOf(id).isLocked()).toBe(false);
    expect(await lockOf(id).acquire(1_000)).toMatchObject({ reason: "BORROWED" });
    setClock(-3_600_000 + 5_000);
    expect(await lockOf(id).acquire(1_000)).toMatchObject({ success: true });
  });

  it("A clock that steps back during a lock-delay does not lengthen it.", async () => {
    const id = freshId();
    setClock(0);
    await leaseOf(lockOf(id).acquire(1_000, { lockDelay: 5_000 }));
    setClock(4_000);
    expect(await lockOf(id).acquire(1_000)).toMatchObject({ retryAfter: 2_000 });
    setClock(-60_000);
    expect(await lockOf(id).acquire(1_000)).toMatchObject({ retryAfter: 2_000 });
    setClock(-58_000);
    expect(await lockOf(id).acquire(1_000)).toMatchObject({ success: true });
  });

  it("When a lock-delay ends, the next waiter is granted the lock without another call.", async () => {
    const id = freshId();
    const result = await lockOf(id).acquire(30, { lockDelay: 120 });
    const { deadline } = result as { deadline: number };
    await leaseOf(lockOf(id).acquire(60_000, { wait: 20_000 }));
    const since = (await lockOf(id).status()).holders[0]?.since ?? 0;
    expect(since - deadline).toBeGreaterThanOrEqual(120);
  });

  it("The lock is not cleaned up before its lock-delay has ended.", async () => {
    const id = freshId();
    setClock(0);
    await leaseOf(lockOf(id).acquire(1_000, { lockDelay: DAY }));
    setClock(DAY + 500);
    await runDurableObjectAlarm(stubOf(id));
    expect(await lockOf(id).acquire(1_000)).toMatchObject({ reason: "BORROWED" });
    setClock(3 * DAY);
    await runDurableObjectAlarm(stubOf(id));
    const tables = await runInDurableObject(stubOf(id), (_lock, { storage }) =>
      storage.sql.exec("SELECT name FROM sqlite_master").toArray(),
    );
    expect(tables).toEqual([]);
  });

  it("hold accepts lockDelay, and withLock waits for the delay to end.", async () => {
    const id = freshId();
    const silent = faultyNamespace((method, run) => (method === "renew" ? new Promise(() => {}) : run()));
    const held = await lockOf(id, silent.namespace).hold({ ttl: 2_000, lockDelay: 150 });
    await until(() => expect(held.signal.aborted).toBe(true));
    expect(await lockOf(id).withLock(({ lease }) => lease, { wait: 20_000 })).toBeGreaterThan(held.lease);
  });

  it.each([-1, 1.5, DAY + 1, Number.NaN, "5", null])(
    "G9: A lockDelay of %s is refused, and nothing is taken.",
    async (value) => {
      const id = freshId();
      const lockDelay = value as number;
      const refused = { argument: "lockDelay" };
      expect((await outcome(lockOf(id).acquire(1_000, { lockDelay }))).error).toMatchObject(refused);
      expect(await stubOf(id).acquire(1_000, { lockDelay })).toMatchObject({ ...refused, reason: "INVALID_ARGUMENT" });
      expect(await lockOf(id).isLocked()).toBe(false);
    },
  );

  it("Plain requests accept lockDelay too.", async () => {
    const id = freshId();
    setClock(0);
    const response = await stubOf(id).fetch("http://lock/acquire?ttl=1000&lockDelay=5000");
    expect(await response.json()).toMatchObject({ success: true });
    setClock(2_000);
    expect(await lockOf(id).status()).toMatchObject({ delayedUntil: start + 6_000 });
  });
});
