import { describe, expect, it } from "vitest";
import { type LeaseLostError, isLockError } from "../../../src/index.ts";
import { failing, faultyNamespace, silent } from "../../support/faulty-namespace.ts";
import { freshId, lockOf, outcome, sleep } from "../../support/locks.ts";

const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });

// Concurrent: most of a test waits for time to pass, and each test has separate locks.
describe.concurrent("withLock", () => {
  it("G7 withLock returns what fn returns, and the lock is free again.", async () => {
    const lock = lockOf(freshId());
    expect(await lock.withLock(async () => ({ answer: 42 }))).toEqual({ answer: 42 });
    expect(await lock.withLock(() => undefined)).toBe(undefined);
    expect(await lock.isLocked()).toBe(false);
  });

  it("G7 withLock rejects with what fn throws, and the lock is free again.", async () => {
    const lock = lockOf(freshId());
    const error = new Error("mine");
    await expect(lock.withLock(() => Promise.reject(error))).rejects.toBe(error);
    await expect(
      lock.withLock(() => {
        throw error;
      }),
    ).rejects.toBe(error);
    expect(await lock.isLocked()).toBe(false);
  });

  it("G7 withLock runs one fn at a time.", async () => {
    const lock = lockOf(freshId());
    let running = 0;
    let most = 0;
    const work = async () => {
      most = Math.max(most, (running += 1));
      await sleep(1);
      running -= 1;
    };
    await Promise.all(Array.from({ length: 30 }, () => lock.withLock(work)));
    expect(most).toBe(1);
  });

  it("G7 withLock rejects with LeaseLostError if the lease was lost, even if fn resolved.", async () => {
    const id = freshId();
    const { error } = await outcome(
      lockOf(id).withLock(
        async ({ lease, signal }) => {
          await lockOf(id).release(lease);
          await aborted(signal);
          return "done anyway";
        },
        { ttl: 1_500 },
      ),
    );
    expect(isLockError(error, "LEASE_LOST")).toBe(true);
    expect(error).toMatchObject({ why: "superseded" });
  });

  it("G7 withLock rejects even if only the release reveals the loss.", async () => {
    const id = freshId();
    const { error } = await outcome(
      lockOf(id).withLock(({ lease }) =>
        lockOf(id)
          .release(lease)
          .then(() => "done"),
      ),
    );
    expect(isLockError(error, "LEASE_LOST")).toBe(true);
  });

  it("G7 withLock rejects after fn has settled if fn outlives its lease and no renewal is answered.", async () => {
    const id = freshId();
    const { namespace } = faultyNamespace(silent(["renew"], false));
    let settled = false;
    const work = async ({ signal }: { signal: AbortSignal }) => {
      await aborted(signal);
      await sleep(100);
      settled = true;
      return "too late";
    };
    const { error } = await outcome(lockOf(id, namespace).withLock(work, { ttl: 1_500 }));
    expect(settled).toBe(true);
    expect(error).toMatchObject({ name: "LeaseLostError", why: "unreachable" });
  });

  it("G7 The object reveals that fn computed without a pause beyond its lease.", async () => {
    const id = freshId();
    const work = () => {
      const end = Date.now() + 300;
      while (Date.now() < end);
      return "computed";
    };
    const { error } = await outcome(lockOf(id).withLock(work, { ttl: 100 }));
    expect(isLockError(error, "LEASE_LOST")).toBe(true);
  });

  it("G7 withLock rejects with the loss itself if that is what fn throws.", async () => {
    const id = freshId();
    const work = async ({ lease, signal }: { lease: number; signal: AbortSignal }) => {
      await lockOf(id).release(lease);
      await aborted(signal);
      signal.throwIfAborted();
    };
    const { error } = await outcome(lockOf(id).withLock(work, { ttl: 1_500 }));
    expect(isLockError(error, "LEASE_LOST")).toBe(true);
    expect((error as LeaseLostError).cause).toBe(undefined);
  });

  it("G7 withLock rejects with a LeaseLostError whose cause is the error that fn throws on its own after the loss.", async () => {
    const id = freshId();
    const mine = new Error("mine");
    const work = async ({ lease, signal }: { lease: number; signal: AbortSignal }) => {
      await lockOf(id).release(lease);
      await aborted(signal);
      throw mine;
    };
    const { error } = await outcome(lockOf(id).withLock(work, { ttl: 1_500 }));
    expect(error).toMatchObject({ code: "LEASE_LOST", cause: mine });
  });

  it("G7 fn's own error takes precedence over a release that fails.", async () => {
    const mine = new Error("mine");
    const { namespace } = faultyNamespace(failing("release", false));
    await expect(lockOf(freshId(), namespace).withLock(() => Promise.reject(mine))).rejects.toBe(mine);
  });

  it("G7 A release that fails after fn succeeded is reported differently from a loss.", async () => {
    const { namespace } = faultyNamespace(failing("release", false));
    const { error } = await outcome(lockOf(freshId(), namespace).withLock(() => "done"));
    expect(isLockError(error, "RELEASE_FAILED")).toBe(true);
    expect(error).toMatchObject({ cause: { message: "a fault that is not worth repeating" } });
  });

  it("G7 An fn that releases the lease itself causes no loss.", async () => {
    const lock = lockOf(freshId());
    expect(await lock.withLock(async ({ release }) => (await release(), "done"))).toBe("done");
  });
});

describe.concurrent("tryWithLock", () => {
  it("tryWithLock runs fn if the lock is free and says so.", async () => {
    expect(await lockOf(freshId()).tryWithLock(() => 42)).toEqual({ acquired: true, value: 42 });
  });

  it("tryWithLock skips fn if the lock is taken and says when it may be free.", async () => {
    const id = freshId();
    await lockOf(id).acquire(10_000);
    let ran = false;
    const tried = await lockOf(id).tryWithLock(() => (ran = true));
    expect(tried).toEqual({ acquired: false, reason: "BORROWED", retryAfter: expect.any(Number) });
    expect(ran).toBe(false);
  });
});
