import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { crash, freshId, leaseOf, lockOf, stubOf, waiters } from "../../support/locks.ts";

const DAY = 86_400_000;
const SOON = { timeout: 10_000, interval: 1 };

/** Whether the object has stored any table, the runtime's own included, and an alarm. */
async function stored(id: string): Promise<{ tables: boolean; alarm: boolean }> {
  return runInDurableObject(stubOf(id), async (_lock, { storage }) => ({
    tables: storage.sql.exec("SELECT name FROM sqlite_master").toArray().length > 0,
    alarm: (await storage.getAlarm()) !== null,
  }));
}

let start: number;
const setClock = (ms: number) => vi.spyOn(Date, "now").mockReturnValue(start + ms);

beforeEach(() => {
  start = Date.now();
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe("G8 clean-up of storage", () => {
  it("G10 A question about an id that was never locked stores nothing.", async () => {
    const id = freshId();
    const lock = lockOf(id);
    expect(await lock.isLocked()).toBe(false);
    expect(await lock.status()).toEqual({ locked: false, holders: [], waiters: [] });
    expect(await lock.release(1)).toMatchObject({ reason: "NO_LONGER_VALID" });
    expect(await lock.renew(1, 1_000)).toMatchObject({ reason: "NO_LONGER_VALID" });
    expect(await stored(id)).toEqual({ tables: false, alarm: false });
  });

  it("A lock unused for a day is wiped to the last byte, its alarm included.", async () => {
    const id = freshId();
    await lockOf(id).release(await leaseOf(lockOf(id).acquire(10_000)));
    expect(await stored(id)).toEqual({ tables: true, alarm: true });
    setClock(DAY + 1_000);
    expect(await runDurableObjectAlarm(stubOf(id))).toBe(true);
    expect(await stored(id)).toEqual({ tables: false, alarm: false });
  });

  it("A lock that was used once is wiped by its first alarm, a day after that use.", async () => {
    const id = freshId();
    setClock(0);
    const lease = await leaseOf(lockOf(id).acquire(60_000));
    setClock(30_000);
    await lockOf(id).release(lease);
    setClock(DAY);
    await runDurableObjectAlarm(stubOf(id));
    expect(await stored(id)).toEqual({ tables: false, alarm: false });
  });

  it("A lock works on after it was wiped, and sets its alarm again.", async () => {
    const id = freshId();
    const before = await leaseOf(lockOf(id).acquire(1));
    setClock(DAY + 1_000);
    await runDurableObjectAlarm(stubOf(id));
    const after = await leaseOf(lockOf(id).acquire(10_000));
    expect(after).toBeGreaterThan(before);
    expect(await stored(id)).toEqual({ tables: true, alarm: true });
    expect(await lockOf(id).acquire(1_000)).toMatchObject({ reason: "BORROWED" });
  });

  it("A clean-up that fails is tried again and does not lose the alarm.", async () => {
    const id = freshId();
    await leaseOf(lockOf(id).acquire(1));
    setClock(DAY + 1_000);
    await runInDurableObject(stubOf(id), (_lock, { storage }) => {
      vi.spyOn(storage, "deleteAll").mockRejectedValueOnce(new Error("storage is down"));
    });
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    await runDurableObjectAlarm(stubOf(id));
    expect(logged).toHaveBeenCalledOnce();
    const next = await runInDurableObject(stubOf(id), (_lock, { storage }) => storage.getAlarm());
    expect(next).toBe(start + DAY + 1_000 + DAY);
    setClock(3 * DAY);
    await runDurableObjectAlarm(stubOf(id));
    expect(await stored(id)).toEqual({ tables: false, alarm: false });
  });

  it("An alarm that the clean-up can't set is set by the next grant.", async () => {
    const id = freshId();
    await leaseOf(lockOf(id).acquire(1));
    await runInDurableObject(stubOf(id), async (lock, { storage }) => {
      // The runtime gives up an alarm whose handler fails again and again.
      await storage.deleteAlarm();
      const set = vi.spyOn(storage, "setAlarm").mockRejectedValueOnce(new Error("storage is down"));
      await expect(lock.alarm()).rejects.toThrow("storage is down");
      set.mockRestore();
      await vi.waitFor(async () => expect(await lock.acquire(10_000)).toMatchObject({ success: true }), SOON);
    });
    expect((await stored(id)).alarm).toBe(true);
  });

  it("G10 An alarm that is set is not set again, even after a restart.", async () => {
    const id = freshId();
    await leaseOf(lockOf(id).acquire(1));
    await evictDurableObject(stubOf(id));
    await runInDurableObject(stubOf(id), async (lock, { storage }) => {
      const set = vi.spyOn(storage, "setAlarm");
      await vi.waitFor(async () => expect(await lock.acquire(10_000)).toMatchObject({ success: true }), SOON);
      expect(set).not.toHaveBeenCalled();
    });
  });

  it("G10 An alarm that the clean-up has set is not set again by the next grant.", async () => {
    const id = freshId();
    await leaseOf(lockOf(id).acquire(1));
    await runInDurableObject(stubOf(id), (_lock, { storage }) => storage.deleteAlarm());
    await evictDurableObject(stubOf(id));
    await runInDurableObject(stubOf(id), async (lock, { storage }) => {
      const set = vi.spyOn(storage, "setAlarm");
      await lock.alarm();
      await vi.waitFor(async () => expect(await lock.acquire(10_000)).toMatchObject({ success: true }), SOON);
      expect(set).toHaveBeenCalledOnce();
    });
  });

  it("An alarm that was lost is set again by the next grant.", async () => {
    const id = freshId();
    await leaseOf(lockOf(id).acquire(1));
    await runInDurableObject(stubOf(id), (_lock, { storage }) => storage.deleteAlarm());
    await evictDurableObject(stubOf(id));
    await vi.waitFor(async () => expect(await lockOf(id).isLocked()).toBe(false), SOON);
    await lockOf(id).acquire(10_000);
    expect((await stored(id)).alarm).toBe(true);
  });
});

describe("G1 G2 the alarm and locks in use", () => {
  it("A holder that renewed for over a day keeps its lease through the alarm.", async () => {
    const id = freshId();
    const lock = lockOf(id);
    const lease = await leaseOf(lock.acquire(DAY));
    setClock(DAY - 1_000);
    expect(await lock.renew(lease, DAY)).toMatchObject({ success: true });
    setClock(DAY + 1_000);
    expect(await runDurableObjectAlarm(stubOf(id))).toBe(true);
    expect(await lock.acquire(1_000)).toMatchObject({ reason: "BORROWED" });
    expect(await lock.renew(lease, 10_000)).toMatchObject({ success: true, lease });
    expect(await stored(id)).toEqual({ tables: true, alarm: true });
  });

  it("A holder keeps its lease through the alarm after an eviction, and a later alarm wipes the lock.", async () => {
    const id = freshId();
    const lock = lockOf(id);
    const lease = await leaseOf(lock.acquire(DAY));
    setClock(DAY - 1_000);
    await lock.renew(lease, 10_000);
    await evictDurableObject(stubOf(id));
    setClock(DAY + 1_000);
    await runDurableObjectAlarm(stubOf(id));
    expect(await lock.isLocked()).toBe(true);
    expect((await stored(id)).alarm).toBe(true);
    setClock(3 * DAY);
    await runDurableObjectAlarm(stubOf(id));
    expect(await stored(id)).toEqual({ tables: false, alarm: false });
  });

  it("A lock that was used since the alarm was set is not wiped by it.", async () => {
    const id = freshId();
    const lock = lockOf(id);
    await lock.release(await leaseOf(lock.acquire(10_000)));
    setClock(DAY / 2);
    const lease = await leaseOf(lock.acquire(10_000));
    await lock.release(lease);
    setClock(DAY + 1_000);
    await runDurableObjectAlarm(stubOf(id));
    expect(await stored(id)).toEqual({ tables: true, alarm: true });
  });

  it("A clean-up leaves a waiter in the queue.", async () => {
    const id = freshId();
    const lease = await leaseOf(lockOf(id).acquire(DAY));
    const waiting = lockOf(id).acquire(10_000, { wait: 20_000 });
    await vi.waitFor(async () => expect(await waiters(id)).toHaveLength(1), { timeout: 10_000, interval: 5 });
    await runDurableObjectAlarm(stubOf(id));
    expect(await waiters(id)).toHaveLength(1);
    await lockOf(id).release(lease);
    expect(await waiting).toMatchObject({ success: true });
  });

  it("Lease numbers grow across a clean-up, when the clock steps back and in a new instance.", async () => {
    const id = freshId();
    const first = await leaseOf(lockOf(id).acquire(1));
    setClock(DAY + 1_000);
    await runDurableObjectAlarm(stubOf(id));
    setClock(-DAY);
    const second = await leaseOf(lockOf(id).acquire(1));
    expect(second).toBeGreaterThan(first);
    setClock(3 * DAY);
    await runDurableObjectAlarm(stubOf(id));
    await crash(id);
    setClock(3 * DAY + 1);
    expect(await leaseOf(lockOf(id).acquire(1))).toBeGreaterThan(second);
  });
});
