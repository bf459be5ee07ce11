import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  type ExitWatchReply,
  type HeldLease,
  lead,
  once,
  useReadWriteLock,
  useSemaphore,
  webLocks,
  withLocks,
} from "../../../src/index.ts";
import { type Fault, connectionLost, faultyNamespace } from "../../support/faulty-namespace.ts";
import { crash, freshId, leaseOf, lockOf, stubOf, untilWaiting } from "../../support/locks.ts";
import {
  RELEASE_ON_EXIT,
  SOON,
  expectNothingLeft,
  holdAndDie,
  spyOnWatches,
  untilFree,
  untilLost,
} from "../../support/release-on-exit.ts";

let { binds } = spyOnWatches();
beforeEach(() => {
  ({ binds } = spyOnWatches());
});
afterEach(() => {
  vi.useRealTimers();
});

describe("Crash release: ordinary use", () => {
  it("A hold with releaseOnExit is renewed and released like any other and leaves nothing behind.", async () => {
    const id = freshId();
    const held = await lockOf(id).hold(RELEASE_ON_EXIT);
    expect(await lockOf(id).isLocked()).toBe(true);
    await held.renew();
    expect(await held.release()).toBe(true);
    expect(held.signal.aborted).toBe(false);
    expect(await lockOf(id).isLocked()).toBe(false);
    await expectNothingLeft(id);
  });

  it("A hold with releaseOnExit outlives its ttl by renewal.", async () => {
    const id = freshId();
    const held = await lockOf(id).hold({ ttl: 2_000, releaseOnExit: true });
    const first = held.deadline;
    await vi.waitFor(() => expect(held.deadline).toBeGreaterThan(first + 2_000), { timeout: 10_000 });
    expect(await held.release()).toBe(true);
  });

  it("releaseOnExit costs one more request and writes no row.", async () => {
    const { namespace, calls } = faultyNamespace((_method, run) => run());
    const id = freshId();
    await lockOf(id, namespace).withLock(() => {}, RELEASE_ON_EXIT);
    const watched = calls.splice(0).map(({ method }) => method);
    await lockOf(id, namespace).withLock(() => {}, { ttl: 60_000 });
    const plain = calls.map(({ method }) => method);
    expect(watched.filter((method) => method === "watchExit")).toHaveLength(1);
    expect(watched.filter((method) => method !== "watchExit")).toEqual(plain);
    const written = await runInDurableObject(stubOf(id), async (lock, { storage }) => {
      const { lease } = (await lock.acquire(60_000)) as { lease: number };
      const exec = vi.spyOn(storage.sql, "exec");
      await lock.watchExit(lease);
      return exec.mock.calls.length;
    });
    expect(written).toBe(0);
  });

  it("Every combinator with releaseOnExit sets up one exit watch, releases the lock and leaves nothing behind.", async () => {
    const combinators: Record<string, (id: string) => Promise<unknown>> = {
      withLock: (id) => lockOf(id).withLock(() => "done", RELEASE_ON_EXIT),
      tryWithLock: async (id) => {
        const tried = await lockOf(id).tryWithLock(() => "done", RELEASE_ON_EXIT);
        return tried.acquired && tried.value;
      },
      withLocks: (id) => withLocks([lockOf(id)], () => "done", RELEASE_ON_EXIT),
      once: (id) => once(lockOf(id), () => "done", RELEASE_ON_EXIT),
      lead: (id) => lead(lockOf(id), () => "done", RELEASE_ON_EXIT),
      reader: (id) => useReadWriteLock(env.DURABLE_LOCK, id).read.withLock(() => "done", RELEASE_ON_EXIT),
      semaphore: (id) => useSemaphore(env.DURABLE_LOCK, id, { permits: 2 }).withLock(() => "done", RELEASE_ON_EXIT),
      webLocks: (id) => webLocks(env.DURABLE_LOCK, RELEASE_ON_EXIT).request(id, () => "done"),
    };
    for (const [name, run] of Object.entries(combinators)) {
      binds.mockClear();
      const id = freshId(name);
      expect([name, await run(id)]).toEqual([name, "done"]);
      expect([name, binds.mock.calls.length]).toEqual([name, 1]);
      expect([name, await lockOf(id).isLocked()]).toEqual([name, false]);
      await expectNothingLeft(id);
    }
  });

  it("resume with releaseOnExit takes over a lease that was granted elsewhere.", async () => {
    const id = freshId();
    const held = await lockOf(id).resume(await leaseOf(lockOf(id).acquire(60_000)), RELEASE_ON_EXIT);
    await lockOf(id).forceRelease();
    expect(await untilLost(held)).toMatchObject({ why: "superseded" });
  });
});

describe("Crash release: the object", () => {
  it("The object ends a lease whose holder died after it set up the exit watch and before its first request for events.", async () => {
    await runInDurableObject(stubOf(freshId()), async (lock) => {
      const { lease } = (await lock.acquire(60_000)) as { lease: number };
      const watch = (await lock.watchExit(lease)) as ExitWatchReply;
      expect(watch.success).toBe(true);
      watch.handle[Symbol.dispose]();
      expect(await lock.isLocked()).toBe(true);
      expect(await watch.events.next(false)).toEqual({ ended: "expired" });
      expect(await lock.isLocked()).toBe(false);
    });
  });
});

describe("Crash release: the holder's context ends", () => {
  it("When the holder's context ends, the lock is free long before the ttl, and the next waiter gets it.", async () => {
    const [id, gate] = [freshId(), freshId()];
    const open = await leaseOf(lockOf(gate).acquire(60_000));
    const dying = holdAndDie(id, { releaseOnExit: "true", gate });
    await vi.waitFor(async () => expect(await lockOf(id).isLocked()).toBe(true), SOON);
    const next = lockOf(id).acquire(60_000, { wait: 15_000 });
    await untilWaiting(id, 1);
    await lockOf(gate).release(open);
    expect(await leaseOf(next)).toBeGreaterThan(await dying);
  });

  it("The end of the context frees a lock only with releaseOnExit: a hold without it goes on.", async () => {
    const [plain, watched] = [freshId(), freshId()];
    await holdAndDie(plain, {});
    await holdAndDie(watched);
    await untilFree(watched);
    expect(await lockOf(plain).isLocked()).toBe(true);
  });

  it("A lease that ended with its holder's context can't be renewed, and storage records its end.", async () => {
    const id = freshId();
    const lease = await holdAndDie(id);
    await untilFree(id);
    await crash(id);
    expect(await lockOf(id).renew(lease, 60_000)).toEqual({ success: false, reason: "NO_LONGER_VALID" });
    expect(await lockOf(id).isLocked()).toBe(false);
  });

  it("The lock-delay that a holder asked for follows the end of its context.", async () => {
    const id = freshId();
    await holdAndDie(id, { releaseOnExit: "true", lockDelay: "50000" });
    await untilFree(id);
    const refused = await lockOf(id).acquire(1_000);
    expect(refused).toMatchObject({ success: false, reason: "BORROWED" });
    expect((await lockOf(id).status()).delayedUntil).toBeGreaterThan(0);
  });

  it("The end of a holder's context leaves nothing in the object's memory.", async () => {
    const id = freshId();
    await holdAndDie(id);
    await untilFree(id);
    await expectNothingLeft(id);
  });
});

describe("Crash release: operators", () => {
  it("forceRelease fires the signal of a holder with releaseOnExit at once.", async () => {
    const id = freshId();
    const held = await lockOf(id).hold(RELEASE_ON_EXIT);
    await lockOf(id).forceRelease();
    expect(await untilLost(held)).toMatchObject({ code: "LEASE_LOST", why: "superseded", lease: held.lease });
    expect(await held.release()).toBe(false);
    await expectNothingLeft(id);
  });

  it("requestRelease asks a holder with releaseOnExit once, and the hold goes on.", async () => {
    const id = freshId();
    const onReleaseRequested = vi.fn<(held: HeldLease) => void>();
    const held = await lockOf(id).hold({ ...RELEASE_ON_EXIT, onReleaseRequested });
    await lockOf(id).requestRelease();
    await vi.waitFor(() => expect(onReleaseRequested).toHaveBeenCalledWith(held), SOON);
    await held.renew();
    await lockOf(id).forceRelease();
    await untilLost(held);
    expect(onReleaseRequested).toHaveBeenCalledTimes(1);
  });

  it("By the time a holder learns about the end of its lease, the end is stored.", async () => {
    await runInDurableObject(stubOf(freshId()), async (lock, { storage }) => {
      const { lease } = (await lock.acquire(500)) as { lease: number };
      const { events } = (await lock.watchExit(lease)) as ExitWatchReply;
      expect(await events.next(false)).toEqual({ ended: "expired" });
      expect(storage.sql.exec("SELECT ended FROM leases").toArray()).toEqual([{ ended: "expired" }]);
    });
  });
});

describe("Crash release: restarts of the object", () => {
  it("After a restart the lease lives on and is watched again, and the death of its holder then frees the lock.", async () => {
    const [id, gate] = [freshId(), freshId()];
    const open = await leaseOf(lockOf(gate).acquire(60_000));
    const dying = holdAndDie(id, { releaseOnExit: "true", gate });
    await vi.waitFor(() => expect(binds).toHaveBeenCalledTimes(1), SOON);
    await crash(id);
    await vi.waitFor(() => expect(binds).toHaveBeenCalledTimes(2), SOON);
    expect(await lockOf(id).isLocked()).toBe(true);
    await lockOf(gate).release(open);
    await dying;
    await untilFree(id);
  });

  it("After repeated restarts, a request to release still reaches the holder, and a release still succeeds.", async () => {
    const id = freshId();
    const onReleaseRequested = vi.fn<() => void>();
    const held = await lockOf(id).hold({ ...RELEASE_ON_EXIT, onReleaseRequested });
    for (const times of [2, 3]) {
      await crash(id);
      await vi.waitFor(() => expect(binds).toHaveBeenCalledTimes(times), SOON);
    }
    await lockOf(id).requestRelease();
    await vi.waitFor(() => expect(onReleaseRequested).toHaveBeenCalledTimes(1), SOON);
    expect(await held.release()).toBe(true);
    await expectNothingLeft(id);
  });

  it("A release right after a restart returns true, and no exit watch is set up afterwards.", async () => {
    const id = freshId();
    const held = await lockOf(id).hold(RELEASE_ON_EXIT);
    await crash(id);
    expect(await held.release()).toBe(true);
    expect(await lockOf(id).isLocked()).toBe(false);
    await expectNothingLeft(id);
  });

  it("A lease that was ended during a restart is known to be lost at once.", async () => {
    const id = freshId();
    let reachable = true;
    const fault: Fault = async (method, run) => {
      if (method === "watchExit" && !reachable) throw connectionLost();
      return run();
    };
    const held = await lockOf(id, faultyNamespace(fault).namespace).hold(RELEASE_ON_EXIT);
    reachable = false;
    await crash(id);
    await lockOf(id).forceRelease();
    reachable = true;
    expect(await untilLost(held)).toMatchObject({ why: "superseded" });
  });
});
