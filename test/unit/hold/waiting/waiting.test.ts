import { describe, expect, it, vi } from "vitest";
import { createLock, isLockError } from "../../../../src/index.ts";
import { faultyNamespace } from "../../../support/faulty-namespace.ts";
import { memoryPrimitives } from "../../../support/memory-primitives.ts";
import { freshId, leaseOf, lockOf, outcome, sleep, untilWaiting, waiters } from "../../../support/locks.ts";

// Concurrent: most of a test waits for time to pass, and each test has separate locks.
describe.concurrent("Bounded waiting", () => {
  it("G9 withLock gives up after `wait` with LOCK_TIMEOUT, which says when to come again.", async () => {
    const id = freshId();
    await lockOf(id).acquire(30_000);
    const { error } = await outcome(lockOf(id).withLock(() => {}, { wait: 40 }));
    expect(isLockError(error, "LOCK_TIMEOUT")).toBe(true);
    expect(error).toMatchObject({ retryAfter: expect.any(Number) });
    expect((error as Error).message).toContain("40 ms");
    expect(await waiters(id)).toEqual([]);
  });

  it("G9 A wait of 0 asks once.", async () => {
    const id = freshId();
    await lockOf(id).acquire(30_000);
    const { namespace, calls } = faultyNamespace((_method, run) => run());
    const { error } = await outcome(lockOf(id, namespace).hold({ wait: 0 }));
    expect(isLockError(error, "LOCK_TIMEOUT")).toBe(true);
    expect(calls.map(({ method }) => method)).toEqual(["acquire"]);
  });

  it("G9 A wait of Infinity waits without end.", async () => {
    const id = freshId();
    const lease = await leaseOf(lockOf(id).acquire(30_000));
    const waiting = lockOf(id).acquire(1_000, { wait: Infinity });
    await untilWaiting(id, 1);
    await lockOf(id).release(lease);
    expect(await waiting).toMatchObject({ success: true });
  });

  it("G9 A signal that has already fired prevents the request.", async () => {
    const { namespace, calls } = faultyNamespace((_method, run) => run());
    const reason = new Error("too late");
    await expect(lockOf(freshId(), namespace).withLock(() => {}, { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
    expect(calls).toEqual([]);
  });

  it("G9 A grant that races with an abort is given back.", async () => {
    const id = freshId();
    const controller = new AbortController();
    const reason = new Error("changed my mind");
    // Fires after the object has granted the lease and before the client learns about it.
    const { namespace } = faultyNamespace(async (method, run) => {
      const reply = await run();
      if (method === "acquire") controller.abort(reason);
      return reply;
    });
    await expect(lockOf(id, namespace).acquire(30_000, { signal: controller.signal })).rejects.toBe(reason);
    expect(await lockOf(id).isLocked()).toBe(false);
  });

  it("G9 A grant that races with the end of the wait belongs to its caller, or the lock is free.", async () => {
    for (let round = 0; round < 40; round += 1) {
      const id = freshId();
      const before = await leaseOf(lockOf(id).acquire(30_000));
      const waiting = lockOf(id).acquire(30_000, { wait: 10 });
      await sleep(round % 20);
      await lockOf(id).release(before);
      const result = await waiting;
      const { holders, waiters: left } = await lockOf(id).status();
      expect(holders.map(({ lease }) => lease)).toEqual(result.success ? [result.lease] : []);
      expect(left).toEqual([]);
    }
  });

  it("G9 A grant that arrives after its caller gave up is given back.", async () => {
    const id = freshId();
    const controller = new AbortController();
    const lease = await leaseOf(lockOf(id).acquire(30_000));
    const waiting = outcome(lockOf(id).hold({ signal: controller.signal, wait: 10_000 }));
    await untilWaiting(id, 1);
    const released = lockOf(id).release(lease);
    controller.abort(new Error("gave up"));
    await released;
    const { value, error } = await waiting;
    if (value) await value.release();
    else expect(error).toMatchObject({ message: "gave up" });
    await vi.waitFor(async () => expect(await lockOf(id).isLocked()).toBe(false), { timeout: 10_000, interval: 5 });
  });

  it("G9 An abort does not end a hold that was granted.", async () => {
    const controller = new AbortController();
    const held = await lockOf(freshId()).hold({ signal: controller.signal });
    controller.abort();
    expect(held.signal.aborted).toBe(false);
    expect(await held.release()).toBe(true);
  });
});

describe.concurrent("Polling", () => {
  it("Polling asks again after growing delays until the grant, and never queues.", async () => {
    const id = freshId();
    const lease = await leaseOf(lockOf(id).acquire(30_000));
    const { namespace, calls } = faultyNamespace((_method, run) => run());
    const polling = lockOf(id, namespace).withLock(() => "mine", {
      retry: { minTimeout: 1, maxTimeout: 20 },
      wait: 10_000,
    });
    await vi.waitFor(() => expect(calls.length).toBeGreaterThan(3), { timeout: 10_000, interval: 2 });
    expect(await waiters(id)).toEqual([]);
    await lockOf(id).release(lease);
    expect(await polling).toBe("mine");
    expect(new Set(calls.map(({ method }) => method))).toEqual(new Set(["acquire", "release"]));
  });

  it("Polling stops after `retries`.", async () => {
    const id = freshId();
    await lockOf(id).acquire(30_000);
    const { namespace, calls } = faultyNamespace((_method, run) => run());
    const result = await lockOf(id, namespace).acquire(1_000, { retry: { retries: 3, minTimeout: 1, maxTimeout: 2 } });
    expect(result).toMatchObject({ success: false, reason: "BORROWED" });
    expect(calls).toHaveLength(4);
  });

  it("Polling stops when `wait` has passed.", async () => {
    const id = freshId();
    await lockOf(id).acquire(30_000);
    const result = await lockOf(id).acquire(1_000, { retry: { minTimeout: 5, maxTimeout: 5 }, wait: 50 });
    expect(result).toMatchObject({ success: false, reason: "BORROWED" });
  });

  it("Polling stops at once when its signal fires.", async () => {
    const id = freshId();
    await lockOf(id).acquire(30_000);
    const controller = new AbortController();
    const retry = { minTimeout: 20_000, maxTimeout: 20_000, factor: 1 };
    const polling = outcome(lockOf(id).acquire(1_000, { retry, wait: Infinity, signal: controller.signal }));
    controller.abort(new Error("stop"));
    expect((await polling).error).toMatchObject({ message: "stop" });
  });
});

describe("Clock changes during a wait", () => {
  it("G6 A grant after a wait is trusted for no longer than its ttl, even if the object's clock was put forward by an hour.", async () => {
    const primitives = memoryPrimitives(freshId());
    const lock = createLock({
      ...primitives,
      acquire: async (request) => {
        const reply = await primitives.acquire(request);
        return reply.success ? { ...reply, validFor: reply.validFor + 3_600_000 } : reply;
      },
      renew: () => new Promise(() => {}),
    });
    const { signal } = await lock.hold({ ttl: 300 });
    await vi.waitFor(() => expect(signal.aborted).toBe(true), { timeout: 15_000 });
  });
});
