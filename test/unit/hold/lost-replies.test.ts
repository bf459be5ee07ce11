import { describe, expect, it, vi } from "vitest";
import { isLockError } from "../../../src/index.ts";
import { failing, faultyNamespace, losingReplies, overloaded } from "../../support/faulty-namespace.ts";
import { crash, freshId, holders, leaseOf, lockOf, outcome, waiters } from "../../support/locks.ts";

const named = (calls: { method: string; args: unknown[] }[], method: string) =>
  calls.filter((call) => call.method === method);
const requestIds = (calls: { args: unknown[] }[]) =>
  new Set(calls.map(({ args }) => (args.at(-1) as { requestId: string }).requestId));

// Concurrent: most of a test waits for time to pass, and each test has separate locks.
describe.concurrent("Lost replies", () => {
  it("G5 After a lost reply to acquire, the same request is sent again and gives one lease.", async () => {
    const id = freshId();
    const { namespace, calls } = faultyNamespace(losingReplies(["acquire"]));
    const lease = await leaseOf(lockOf(id, namespace).acquire(10_000));
    expect(named(calls, "acquire")).toHaveLength(2);
    expect(requestIds(named(calls, "acquire")).size).toBe(1);
    expect((await lockOf(id).status()).holders).toMatchObject([{ lease }]);
  });

  it("G5 After a lost reply to a queued acquire, the same request is sent again and gives one queue entry and one lease.", async () => {
    const id = freshId();
    const before = await leaseOf(lockOf(id).acquire(10_000));
    const { namespace, calls } = faultyNamespace(losingReplies(["acquireOrQueue"], 2));
    const waiting = lockOf(id, namespace).acquire(10_000, { wait: 5_000 });
    await vi.waitFor(() => expect(named(calls, "acquireOrQueue")).toHaveLength(3), { timeout: 10_000, interval: 5 });
    expect(requestIds(named(calls, "acquireOrQueue")).size).toBe(1);
    await vi.waitFor(async () => expect(await waiters(id)).toHaveLength(1), { timeout: 10_000, interval: 5 });
    await lockOf(id).release(before);
    expect(await waiting).toMatchObject({ success: true });
    expect(await holders(id)).toBe(1);
  });

  it("G5 After a lost reply to renew, the same request is sent again and has one outcome.", async () => {
    const id = freshId();
    const lease = await leaseOf(lockOf(id).acquire(10_000));
    const { namespace, calls } = faultyNamespace(losingReplies(["renew"]));
    const renewed = await lockOf(id, namespace).renew(lease, 60_000);
    expect(requestIds(named(calls, "renew")).size).toBe(1);
    const { deadline } = renewed as { deadline: number };
    expect((await lockOf(id).status()).holders).toMatchObject([{ lease, deadline }]);
  });

  it("G5 After a lost reply to a renewal of a hold, the same request is sent again and the hold goes on.", async () => {
    const { namespace, calls } = faultyNamespace(losingReplies(["renew"]));
    const held = await lockOf(freshId(), namespace).hold({ ttl: 30_000 });
    await held.renew();
    expect(named(calls, "renew")).toHaveLength(2);
    expect(requestIds(named(calls, "renew")).size).toBe(1);
    await held.release();
  });

  it("G5 After a lost reply to release, the same request is sent again and returns true, although the lease is gone.", async () => {
    const id = freshId();
    const lease = await leaseOf(lockOf(id).acquire(10_000));
    const { namespace, calls } = faultyNamespace(losingReplies(["release"]));
    expect(await lockOf(id, namespace).release(lease)).toBe(true);
    expect(requestIds(named(calls, "release")).size).toBe(1);
    expect(named(calls, "release")).toHaveLength(2);
  });

  it("G5 withLock succeeds if each method loses one reply.", async () => {
    const id = freshId();
    const { namespace } = faultyNamespace(losingReplies(["acquireOrQueue", "acquire", "renew", "release"]));
    expect(await lockOf(id, namespace).withLock(() => "done", { ttl: 5_000 })).toBe("done");
    expect(await lockOf(id).isLocked()).toBe(false);
  });

  it("G5 A caller that chose its request id can repeat the request after a failure.", async () => {
    const id = freshId();
    const { namespace } = faultyNamespace(failing("acquire", true));
    await expect(lockOf(id, namespace).acquire(10_000, { requestId: "mine" })).rejects.toThrow("not worth repeating");
    const lease = await leaseOf(lockOf(id).acquire(10_000, { requestId: "mine" }));
    expect((await lockOf(id).status()).holders).toMatchObject([{ lease }]);
  });

  it("G5 A request that no caller can repeat is cancelled after a failure.", async () => {
    const id = freshId();
    const { namespace } = faultyNamespace(failing("acquire", true));
    await expect(lockOf(id, namespace).acquire(10_000)).rejects.toThrow("not worth repeating");
    expect(await lockOf(id).isLocked()).toBe(false);
  });
});

describe.concurrent("Platform faults", () => {
  it("An object that is reset before it answers is asked again and leaves no unhandled rejection.", async () => {
    // An unhandled rejection fails the whole test run.
    const interrupted = async () => {
      const id = freshId();
      const waiting = lockOf(id).acquire(1_000, { wait: 5_000 });
      await crash(id);
      await leaseOf(waiting);
    };
    await Promise.all(Array.from({ length: 10 }, interrupted));
  });

  it("An object that is reset between a ticket and its pending grant is asked again.", async () => {
    const id = freshId();
    const before = await leaseOf(lockOf(id).acquire(10_000));
    let isReset = false;
    const { namespace, calls } = faultyNamespace(async (method, run) => {
      const reply = await run();
      if (method === "acquireOrQueue" && !isReset) await crash(id);
      isReset = true;
      return reply;
    });
    const waiting = leaseOf(lockOf(id, namespace).acquire(10_000, { wait: 5_000 }));
    await vi.waitFor(() => expect(named(calls, "acquireOrQueue")).toHaveLength(2), { timeout: 10_000, interval: 5 });
    await lockOf(id).release(before);
    await waiting;
    expect(named(calls, "acquireOrQueue")).toHaveLength(2);
    expect(await holders(id)).toBe(1);
  });

  it("An overloaded object is not asked again, and the call is an outage.", async () => {
    const { namespace, calls } = faultyNamespace(async () => {
      throw overloaded();
    });
    const { error } = await outcome(lockOf(freshId(), namespace).renew(1, 1_000));
    expect(isLockError(error, "UNREACHABLE")).toBe(true);
    expect(error).toMatchObject({ cause: { overloaded: true } });
    expect(calls).toHaveLength(1);
  });

  it("An error that is no platform fault is thrown unchanged, and the call is not repeated.", async () => {
    const { namespace, calls } = faultyNamespace(async () => {
      throw new Error("no such method");
    });
    const { error } = await outcome(lockOf(freshId(), namespace).isLocked());
    expect(isLockError(error)).toBe(false);
    expect(calls).toHaveLength(1);
  });
});
