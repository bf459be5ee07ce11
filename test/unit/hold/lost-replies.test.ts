import { describe, expect, it, vi } from "vitest";
import { isLockError } from "../../../src/index.ts";
import { failing, faultyNamespace, losingReplies, overloaded } from "../../support/faulty-namespace.ts";
import { crash, freshId, holders, leaseOf, lockOf, outcome, waiters } from "../../support/locks.ts";

const named = (calls: { method: string; args: unknown[] }[], method: string) =>
  calls.filter((call) => call.method === method);
const requestIds = (calls: { args: unknown[] }[]) =>
  new Set(calls.map(({ args }) => (args.at(-1) as { requestId: string }).requestId));

// At once: most of a test is waiting for time to pass, and each has locks of its own.
describe.concurrent("G5 a lost reply", () => {
  it("to acquire: the same request again, one lease", async () => {
    const id = freshId();
    const { namespace, calls } = faultyNamespace(losingReplies(["acquire"]));
    const lease = await leaseOf(lockOf(id, namespace).acquire(10_000));
    expect(named(calls, "acquire")).toHaveLength(2);
    expect(requestIds(named(calls, "acquire")).size).toBe(1);
    expect((await lockOf(id).status()).holders).toMatchObject([{ lease }]);
  });

  it("to a queued acquire: the same request again, one lease, one place", async () => {
    const id = freshId();
    const before = await leaseOf(lockOf(id).acquire(10_000));
    const { namespace, calls } = faultyNamespace(losingReplies(["acquireInQueue"], 2));
    const waiting = lockOf(id, namespace).acquire(10_000, { wait: 5_000 });
    await vi.waitFor(() => expect(named(calls, "acquireInQueue")).toHaveLength(3), { timeout: 10_000, interval: 5 });
    expect(requestIds(named(calls, "acquireInQueue")).size).toBe(1);
    await vi.waitFor(async () => expect(await waiters(id)).toHaveLength(1), { timeout: 10_000, interval: 5 });
    await lockOf(id).release(before);
    expect(await waiting).toMatchObject({ success: true });
    expect(await holders(id)).toBe(1);
  });

  it("to renew: the same request again, one outcome", async () => {
    const id = freshId();
    const lease = await leaseOf(lockOf(id).acquire(10_000));
    const { namespace, calls } = faultyNamespace(losingReplies(["renew"]));
    const renewed = await lockOf(id, namespace).renew(lease, 60_000);
    expect(requestIds(named(calls, "renew")).size).toBe(1);
    const { deadline } = renewed as { deadline: number };
    expect((await lockOf(id).status()).holders).toMatchObject([{ lease, deadline }]);
  });

  it("to a renewal of a hold: the same request again, and the hold goes on", async () => {
    const { namespace, calls } = faultyNamespace(losingReplies(["renew"]));
    const held = await lockOf(freshId(), namespace).hold({ ttl: 30_000 });
    await held.renew();
    expect(named(calls, "renew")).toHaveLength(2);
    expect(requestIds(named(calls, "renew")).size).toBe(1);
    await held.release();
  });

  it("to release: the same request again is true, though the lease is gone", async () => {
    const id = freshId();
    const lease = await leaseOf(lockOf(id).acquire(10_000));
    const { namespace, calls } = faultyNamespace(losingReplies(["release"]));
    expect(await lockOf(id, namespace).release(lease)).toBe(true);
    expect(requestIds(named(calls, "release")).size).toBe(1);
    expect(named(calls, "release")).toHaveLength(2);
  });

  it("to each of them once: withLock succeeds", async () => {
    const id = freshId();
    const { namespace } = faultyNamespace(losingReplies(["acquireInQueue", "acquire", "renew", "release"]));
    expect(await lockOf(id, namespace).withLock(() => "done", { ttl: 5_000 })).toBe("done");
    expect(await lockOf(id).isLocked()).toBe(false);
  });

  it("a request that its caller named can be repeated by the caller after a failure", async () => {
    const id = freshId();
    const { namespace } = faultyNamespace(failing("acquire", true));
    await expect(lockOf(id, namespace).acquire(10_000, { requestId: "mine" })).rejects.toThrow("not worth repeating");
    const lease = await leaseOf(lockOf(id).acquire(10_000, { requestId: "mine" }));
    expect((await lockOf(id).status()).holders).toMatchObject([{ lease }]);
  });

  it("a request that nobody can repeat is taken back after a failure", async () => {
    const id = freshId();
    const { namespace } = faultyNamespace(failing("acquire", true));
    await expect(lockOf(id, namespace).acquire(10_000)).rejects.toThrow("not worth repeating");
    expect(await lockOf(id).isLocked()).toBe(false);
  });
});

describe.concurrent("faults of the platform", () => {
  it("an object that is reset before it answers leaves no rejection unhandled, and is asked again", async () => {
    // One that is unhandled fails the whole run of the tests.
    const interrupted = async () => {
      const id = freshId();
      const waiting = lockOf(id).acquire(1_000, { wait: 5_000 });
      await crash(id);
      await leaseOf(waiting);
    };
    await Promise.all(Array.from({ length: 10 }, interrupted));
  });

  it("an object that is reset between a ticket and the wait for its turn is asked again", async () => {
    const id = freshId();
    let isReset = false;
    const { namespace, calls } = faultyNamespace(async (method, run) => {
      const reply = await run();
      if (method === "acquireInQueue" && !isReset) await crash(id);
      isReset = true;
      return reply;
    });
    await leaseOf(lockOf(id, namespace).acquire(10_000, { wait: 5_000 }));
    expect(named(calls, "acquireInQueue")).toHaveLength(2);
    expect(await holders(id)).toBe(1);
  });

  it("an overloaded object is not asked again", async () => {
    const { namespace, calls } = faultyNamespace(async () => {
      throw overloaded();
    });
    const { error } = await outcome(lockOf(freshId(), namespace).renew(1, 1_000));
    expect(isLockError(error, "UNREACHABLE")).toBe(true);
    expect(error).toMatchObject({ cause: { overloaded: true } });
    expect(calls).toHaveLength(1);
  });

  it("an error of the user's own code is thrown as it is", async () => {
    const { namespace, calls } = faultyNamespace(async () => {
      throw new Error("no such method");
    });
    const { error } = await outcome(lockOf(freshId(), namespace).isLocked());
    expect(isLockError(error)).toBe(false);
    expect(calls).toHaveLength(1);
  });
});
