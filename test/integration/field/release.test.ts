// Replays of what users of other libraries reported. docs/correctness.md lists them: "Bugs of others, tried here".
import { runDurableObjectAlarm } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type HeldLease, useSemaphore } from "../../../src/index.ts";
import { failing, faultyNamespace } from "../../support/faulty-namespace.ts";
import { failureOf, freshId, leaseOf, lockOf, outcome, stubOf } from "../../support/locks.ts";
import { DAY, stored } from "../../support/once.ts";

let start = 0;
beforeEach(() => {
  start = Date.now();
});
afterEach(() => {
  vi.restoreAllMocks();
});
/** Sets the clock by which the objects judge leases to this many milliseconds after the start of the test. */
const setClock = (ms: number) => vi.spyOn(Date, "now").mockReturnValue(start + ms);

/** A lock whose calls are recorded. */
function noted(id = freshId()) {
  const { namespace, calls } = faultyNamespace((_method, run) => run());
  return { id, lock: lockOf(id, namespace), methods: () => calls.map(({ method }) => method) };
}

describe("mike-marcacci/node-redlock#313", () => {
  it("the release of a lease that has expired is answered by its first call", async () => {
    const { lock, methods } = noted();
    setClock(0);
    const lease = await leaseOf(lock.acquire(1_000));
    const held = await lock.resume(lease, { ttl: 1_000 });
    setClock(5_000);
    expect(await lock.release(lease)).toEqual({ success: false, reason: "NO_LONGER_VALID" });
    expect(await held.release()).toBe(false);
    expect(methods().filter((method) => method === "release")).toHaveLength(2);
  });
});

describe("mike-marcacci/node-redlock#309", () => {
  it("withLock of a lost lease rejects without a release that can only fail", async () => {
    const { id, lock, methods } = noted();
    const work = async ({ renew, signal }: HeldLease) => {
      await lockOf(id).forceRelease();
      await outcome(renew());
      signal.throwIfAborted();
    };
    expect(await failureOf(lock.withLock(work))).toMatchObject({ code: "LEASE_LOST" });
    expect(methods()).not.toContain("release");
  });
});

describe("mike-marcacci/node-redlock#369", () => {
  it("what the work throws is what withLock rejects with, although the release fails too", async () => {
    const { namespace } = faultyNamespace(failing("release", false));
    const mine = new Error("insufficient funds");
    expect(await failureOf(lockOf(freshId(), namespace).withLock(() => Promise.reject(mine)))).toBe(mine);
  });
});

describe("mike-marcacci/node-redlock#362", () => {
  it("a release at the very moment of the expiry answers whether the lease was live, and never throws", async () => {
    for (const ms of [-1, 0, 1]) {
      const id = freshId();
      setClock(0);
      const held = await lockOf(id).hold({ ttl: 60_000 });
      setClock(60_000 + ms);
      expect(await held.release()).toBe(ms < 0);
      expect(await lockOf(id).isLocked()).toBe(false);
    }
  });
});

describe("awslabs/amazon-dynamodb-lock-client#116", () => {
  it("a renewal by hand, or a copy of one that arrives late, does not revive a lease that was released", async () => {
    const id = freshId();
    const renewals: (() => Promise<unknown>)[] = [];
    const { namespace } = faultyNamespace((method, run) => {
      if (method === "renew") renewals.push(run);
      return run();
    });
    const held = await lockOf(id, namespace).hold({ ttl: 60_000 });
    await held.renew();
    await held.release();
    expect(await failureOf(held.renew())).toMatchObject({ code: "LEASE_LOST" });
    expect(await renewals[0]?.()).toMatchObject({ success: false, reason: "NO_LONGER_VALID" });
    expect(await lockOf(id).isLocked()).toBe(false);
  });
});

describe("hhhjin/durable-locks, run", () => {
  it("a renewal after the release does not lock again", async () => {
    const lock = lockOf(freshId());
    const lease = await leaseOf(lock.acquire(60_000));
    await lock.release(lease);
    expect(await lock.renew(lease, 60_000)).toMatchObject({ success: false, reason: "NO_LONGER_VALID" });
    expect(await lock.isLocked()).toBe(false);
  });

  it("a renewal 55 s after the expiry is refused, although nobody has taken the lock since", async () => {
    const lock = lockOf(freshId());
    setClock(0);
    const lease = await leaseOf(lock.acquire(5_000));
    setClock(60_000);
    expect(await lock.renew(lease, 60_000)).toMatchObject({ success: false, reason: "NO_LONGER_VALID" });
    expect(await lock.isLocked()).toBe(false);
  });
});

describe("upstash/lock, run", () => {
  it("a failed acquire on the holder's own object leaves the holder able to release", async () => {
    const lock = lockOf(freshId());
    const lease = await leaseOf(lock.acquire(60_000));
    expect(await lock.acquire(60_000)).toMatchObject({ success: false, reason: "BORROWED" });
    expect(await lock.release(lease)).toBe(true);
    expect(await lock.isLocked()).toBe(false);
  });
});

describe("ethanniser/effect-distributed-lock, read", () => {
  it("taking over a lease by a wrong number fails at once, and is not tried again", async () => {
    const { lock, methods } = noted();
    const lease = await leaseOf(lock.acquire(60_000));
    expect(await failureOf(lock.resume(lease + 1))).toMatchObject({ code: "LEASE_LOST" });
    expect(methods()).toEqual(["acquire", "renew"]);
  });
});

describe("etcd-io/etcd#17470", () => {
  it("the lock of a request that ended without a release is free long before its ttl, and is not kept alive", async () => {
    const id = freshId();
    const ended = await exports.default.fetch(`http://worker/hold?id=${id}&releaseOnExit=true`);
    expect(Number(await ended.text())).toBeGreaterThan(0);
    await vi.waitFor(async () => expect(await lockOf(id).isLocked()).toBe(false), { timeout: 10_000, interval: 5 });
  });
});

describe("awslabs/amazon-dynamodb-lock-client#34", () => {
  it("who comes long after a holder has died gets the lock by one call, without a wait", async () => {
    const { id, lock, methods } = noted();
    setClock(0);
    await leaseOf(lockOf(id).acquire(60_000));
    setClock(61_000);
    expect(await lock.acquire(60_000)).toMatchObject({ success: true });
    expect(methods()).toEqual(["acquire"]);
  });
});

describe("redisson/redisson#6302", () => {
  it("a semaphore whose permits were never given back leaves nothing in storage, a day after they have ended", async () => {
    const id = freshId();
    setClock(0);
    const semaphore = useSemaphore(env.DURABLE_LOCK, id, { permits: 5 });
    await Promise.all(Array.from({ length: 5 }, () => leaseOf(semaphore.acquire(30_000))));
    expect((await stored(id)).tables).not.toEqual([]);
    setClock(DAY + 31_000);
    await runDurableObjectAlarm(stubOf(id));
    expect(await stored(id)).toEqual({ tables: [], alarm: null });
  });
});
