import { describe, expect, it, vi } from "vitest";
import { faultyNamespace, losingReplies, silent } from "../../support/faulty-namespace.ts";
import { countLeaks, countedSignal } from "../../support/leaks.ts";
import { freshId, leaseOf, lockOf, outcome, untilWaiting } from "../../support/locks.ts";

const leaks = countLeaks();

describe("Leaks", () => {
  it("G8 withLock that succeeds leaves no timer or listener, also after a wait.", async () => {
    const id = freshId();
    const { signal } = countedSignal();
    const lease = await leaseOf(lockOf(id).acquire(30_000));
    const running = lockOf(id).withLock(() => {}, { signal });
    await untilWaiting(id, 1);
    await lockOf(id).release(lease);
    await running;
    expect(leaks.timers.size).toBe(0);
    expect(leaks.listeners).toBe(0);
  });

  it("G8 withLock that fails or times out leaves no timer or listener.", async () => {
    const id = freshId();
    const { signal } = countedSignal();
    await outcome(lockOf(id).withLock(() => Promise.reject(new Error("mine")), { signal }));
    await lockOf(id).acquire(30_000);
    await outcome(lockOf(id).withLock(() => {}, { signal, wait: 10 }));
    expect(leaks.timers.size).toBe(0);
    expect(leaks.listeners).toBe(0);
  });

  it("G8 An aborted wait leaves no timer or listener, nor does polling that is aborted or times out.", async () => {
    const id = freshId();
    await lockOf(id).acquire(30_000);
    for (const retry of [undefined, { minTimeout: 10_000 }]) {
      const { controller, signal } = countedSignal();
      const waiting = outcome(lockOf(id).acquire(1_000, { wait: 20_000, signal, ...(retry && { retry }) }));
      if (!retry) await untilWaiting(id, 1);
      controller.abort();
      await waiting;
      expect(leaks.listeners).toBe(0);
    }
    await lockOf(id).acquire(1_000, { wait: 20, retry: { minTimeout: 10_000 } });
    expect(leaks.timers.size).toBe(0);
  });

  it("G8 A hold that is lost because its renewals were never answered leaves no timer.", async () => {
    const id = freshId();
    const { namespace } = faultyNamespace(silent(["renew"], false));
    const held = await lockOf(id, namespace).hold({ ttl: 1_000 });
    await vi.waitFor(() => expect(held.signal.aborted).toBe(true), { timeout: 10_000, interval: 200 });
    expect(await held.release()).toBe(false);
    expect(leaks.timers.size).toBe(0);
  });

  it("G8 Calls that lost their replies and were repeated leave no timer.", async () => {
    const { namespace } = faultyNamespace(losingReplies(["acquireOrQueue", "release"]));
    await lockOf(freshId(), namespace).withLock(() => {});
    expect(leaks.timers.size).toBe(0);
  });

  it("G8 A released hold sends no more renewals.", async () => {
    const { namespace, calls } = faultyNamespace((_method, run) => run());
    const held = await lockOf(freshId(), namespace).hold({ ttl: 30_000 });
    await held.release();
    expect(leaks.timers.size).toBe(0);
    expect(calls.at(-1)?.method).toBe("release");
  });
});
