import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { type Lock, lead, once, useReadWriteLock, useSemaphore, webLocks, withLocks } from "../../../src/index.ts";
import { failureOf, freshId, freshLock, leaseOf, lockOf, outcome, stubOf } from "../../support/locks.ts";

const unchecked = <T>(value: unknown) => value as T;
const NAMED = unchecked<object>({ requestId: "delivery-1742" });
const work = () => "ran";
const SEMAPHORE = { permits: 2 };

describe("requestId outside of acquire", () => {
  it.each<[string, (id: string, lock: Lock) => unknown]>([
    ["withLock", (_id, lock) => lock.withLock(work, NAMED)],
    ["tryWithLock", (_id, lock) => lock.tryWithLock(work, NAMED)],
    ["hold", (_id, lock) => lock.hold(NAMED)],
    ["resume", (_id, lock) => lock.resume(1, NAMED)],
    ["once", (_id, lock) => once(lock, work, NAMED)],
    ["lead", (_id, lock) => lead(lock, work, NAMED)],
    ["withLocks", (_id, lock) => withLocks([lock], work, NAMED)],
    ["a semaphore", (id) => useSemaphore(env.DURABLE_LOCK, id, SEMAPHORE).withLock(work, NAMED)],
    ["withPermits", (id) => useSemaphore(env.DURABLE_LOCK, id, SEMAPHORE).withPermits(1, work, NAMED)],
    ["a reader", (id) => useReadWriteLock(env.DURABLE_LOCK, id).read.withLock(work, NAMED)],
    ["a writer", (id) => useReadWriteLock(env.DURABLE_LOCK, id).write.tryWithLock(work, NAMED)],
    ["Web Locks", () => webLocks(env.DURABLE_LOCK, NAMED)],
  ])("G5 requestId is no option of %s, and the error says what to use instead.", async (_name, call) => {
    const id = freshId();
    const error = await failureOf((async () => await call(id, lockOf(id)))());
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument: "requestId" });
    expect((error as Error).message).toMatch(/acquire\(ttl, \{ requestId \}\).*resume\(lease\)/);
    expect(await stubOf(id).status()).toEqual({ locked: false, holders: [], waiters: [] });
  });
});

describe("requestId of acquire", () => {
  it("G5 A requestId names one call: a repeat finds its lease, and resume goes on with it.", async () => {
    const lock = freshLock();
    const lease = await leaseOf(lock.acquire(10_000, { requestId: "delivery-1742" }));
    expect(await lock.acquire(10_000, { requestId: "delivery-1742" })).toMatchObject({ success: true, lease });
    const held = await lock.resume(lease);
    expect(await held.release()).toBe(true);
    expect(await lock.acquire(10_000, { requestId: "delivery-1742" })).toMatchObject({ reason: "NO_LONGER_VALID" });
  });

  it("G5 A requestId in use is refused for another claim, and its lease goes on.", async () => {
    const id = freshId();
    const lease = await leaseOf(lockOf(id).acquire(10_000, { requestId: "same", permits: 1, capacity: 2 }));
    const asked = { requestId: "same", wait: 5_000 };
    const { error } = await outcome(lockOf(id).acquire(10_000, asked));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument: "requestId" });
    expect((await stubOf(id).status()).holders).toMatchObject([{ lease, exclusive: false }]);
  });

  it("G5 A requestId that is too long is refused by its name.", async () => {
    const { error } = await outcome(freshLock().acquire(1_000, { requestId: "x".repeat(513) }));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument: "requestId" });
  });
});
