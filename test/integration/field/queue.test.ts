// Replays of what users of other libraries reported. docs/correctness.md lists them: "Bugs of others, tried here".
import { describe, expect, it, vi } from "vitest";
import { createLock } from "../../../src/index.ts";
import { fakeTime, pass } from "../../support/fake-time.ts";
import { memoryPrimitives } from "../../support/memory-primitives.ts";
import { failureOf, freshId } from "../../support/outcome.ts";
import { scriptedPrimitives } from "../../support/scripted-primitives.ts";

fakeTime();

const MINUTE = 60_000;
const freshLock = () => createLock(memoryPrimitives(freshId()));

describe("redisson/redisson#1104", () => {
  it("waiters who gave up, again and again, leave no place behind that delays the next", async () => {
    const lock = freshLock();
    const held = await lock.hold({ ttl: 30_000 });
    for (let round = 0; round < 30; round += 1) {
      const tries = [1, 2, 3].map(() => failureOf(lock.withLock(() => {}, { wait: 500, ttl: 30_000 })));
      await pass(501);
      for (const error of await Promise.all(tries)) expect(error).toMatchObject({ code: "LOCK_TIMEOUT" });
    }
    await held.release();
    const before = performance.now();
    expect(await lock.withLock(() => "at once")).toBe("at once");
    expect(performance.now()).toBe(before);
  });
});

describe("redisson/redisson#3004", () => {
  it("waiters that have waited for longer than five minutes all get the lock, in their order", async () => {
    const lock = freshLock();
    const held = await lock.hold();
    const order: number[] = [];
    const runs = [1, 2, 3, 4].map((waiter) => lock.withLock(() => order.push(waiter), { wait: Infinity }));
    await pass(6 * MINUTE);
    const late = lock.withLock(() => order.push(5), { wait: Infinity });
    await pass(1_000);
    await held.release();
    await Promise.all([...runs, late]);
    expect(order).toEqual([1, 2, 3, 4, 5]);
  });
});

describe("redisson/redisson#3730", () => {
  it("a lease that ends without a release is followed by the next waiter, as soon as its time is up", async () => {
    const lock = freshLock();
    await lock.acquire(5_000);
    const granted = vi.fn();
    const second = lock.acquire(5_000, { wait: 20_000 }).then(granted);
    const third = lock.acquire(5_000, { wait: 20_000 }).then(granted);
    await pass(4_999);
    expect(granted).not.toHaveBeenCalled();
    await pass(2);
    expect(granted).toHaveBeenCalledOnce();
    await pass(5_002);
    expect(granted).toHaveBeenCalledTimes(2);
    await Promise.all([second, third]);
  });
});

describe("hashicorp/consul#2399", () => {
  it("a wait of two hours is not cut short: the lock that is free after 90 minutes is granted", async () => {
    const lock = freshLock();
    const held = await lock.hold();
    const running = lock.withLock(() => "applied", { wait: 120 * MINUTE });
    await pass(90 * MINUTE);
    await held.release();
    expect(await running).toBe("applied");
  });
});

describe("etcd-io/etcd#11456", () => {
  it("who waited for far longer than its own ttl gets a lease that is live, with all of its time", async () => {
    const lock = freshLock();
    const first = await lock.hold();
    const waiting = lock.hold({ ttl: 5_000, wait: 10 * MINUTE });
    await pass(MINUTE);
    await first.release();
    const held = await waiting;
    expect(held.isLost()).toBe(false);
    expect(held.deadline).toBe(Date.now() + 5_000);
    expect(held.remaining()).toBeGreaterThan(3_000);
    expect(await lock.acquire(1_000)).toMatchObject({ success: false, reason: "BORROWED" });
    await held.release();
  });
});

describe("upstash/lock, run", () => {
  it("polling ends with its last try, and does not sleep after it", async () => {
    const { primitives, calls } = scriptedPrimitives({ acquire: async () => ({ success: false, reason: "BORROWED" }) });
    const retry = { retries: 3, minTimeout: 1_000, maxTimeout: 1_000 };
    const polling = createLock(primitives).acquire(1_000, { retry, wait: 60_000 });
    // Random numbers are fixed at one half here, so the total is three times 500 ms.
    await pass(1_500);
    expect(calls).toHaveLength(4);
    const before = performance.now();
    expect(await polling).toMatchObject({ success: false, reason: "BORROWED" });
    expect(performance.now()).toBe(before);
    expect(vi.getTimerCount()).toBe(0);
  });
});
