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
import { BOUND, SOON, expectNothingLeft, holdAndDie, spyOnBonds, untilFree, untilLost } from "../../support/bound.ts";

let { binds } = spyOnBonds();
beforeEach(() => {
  ({ binds } = spyOnBonds());
});
afterEach(() => {
  vi.useRealTimers();
});

describe("crash release: a bound hold is a hold like any other", () => {
  it("is held, renewed and released, and leaves nothing behind", async () => {
    const id = freshId();
    const held = await lockOf(id).hold(BOUND);
    expect(await lockOf(id).isLocked()).toBe(true);
    await held.renew();
    expect(await held.release()).toBe(true);
    expect(held.signal.aborted).toBe(false);
    expect(await lockOf(id).isLocked()).toBe(false);
    await expectNothingLeft(id);
  });

  it("outlives its ttl by renewal", async () => {
    const id = freshId();
    const held = await lockOf(id).hold({ ttl: 2_000, releaseOnExit: true });
    const first = held.deadline;
    await vi.waitFor(() => expect(held.deadline).toBeGreaterThan(first + 2_000), { timeout: 10_000 });
    expect(await held.release()).toBe(true);
  });

  it("costs one request more and no row", async () => {
    const { namespace, calls } = faultyNamespace((_method, run) => run());
    const id = freshId();
    await lockOf(id, namespace).withLock(() => {}, BOUND);
    const bound = calls.splice(0).map(({ method }) => method);
    await lockOf(id, namespace).withLock(() => {}, { ttl: 60_000 });
    const plain = calls.map(({ method }) => method);
    expect(bound.filter((method) => method === "watchExit")).toHaveLength(1);
    expect(bound.filter((method) => method !== "watchExit")).toEqual(plain);
    const written = await runInDurableObject(stubOf(id), async (lock, { storage }) => {
      const { lease } = (await lock.acquire(60_000)) as { lease: number };
      const exec = vi.spyOn(storage.sql, "exec");
      await lock.watchExit(lease);
      return exec.mock.calls.length;
    });
    expect(written).toBe(0);
  });

  it("every combinator binds, releases and leaves nothing behind", async () => {
    const combinators: Record<string, (id: string) => Promise<unknown>> = {
      withLock: (id) => lockOf(id).withLock(() => "done", BOUND),
      tryWithLock: async (id) => {
        const tried = await lockOf(id).tryWithLock(() => "done", BOUND);
        return tried.acquired && tried.value;
      },
      withLocks: (id) => withLocks([lockOf(id)], () => "done", BOUND),
      once: (id) => once(lockOf(id), () => "done", BOUND),
      lead: (id) => lead(lockOf(id), () => "done", BOUND),
      reader: (id) => useReadWriteLock(env.DURABLE_LOCK, id).read.withLock(() => "done", BOUND),
      semaphore: (id) => useSemaphore(env.DURABLE_LOCK, id, { permits: 2 }).withLock(() => "done", BOUND),
      webLocks: (id) => webLocks(env.DURABLE_LOCK, BOUND).request(id, () => "done"),
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

  it("takes over a lease that was granted elsewhere", async () => {
    const id = freshId();
    const held = await lockOf(id).resume(await leaseOf(lockOf(id).acquire(60_000)), BOUND);
    await lockOf(id).forceRelease();
    expect(await untilLost(held)).toMatchObject({ why: "superseded" });
  });
});

describe("crash release: the object", () => {
  it("ends a lease whose holder asked for news and died before that arrived", async () => {
    await runInDurableObject(stubOf(freshId()), async (lock) => {
      const { lease } = (await lock.acquire(60_000)) as { lease: number };
      const bond = (await lock.watchExit(lease)) as ExitWatchReply;
      expect(bond.success).toBe(true);
      bond.handle[Symbol.dispose]();
      expect(await lock.isLocked()).toBe(true);
      expect(await bond.events.next(false)).toEqual({ ended: "expired" });
      expect(await lock.isLocked()).toBe(false);
    });
  });
});

describe("crash release: a holder whose context ends", () => {
  it("frees the lock long before the ttl, and the next in line is granted", async () => {
    const [id, gate] = [freshId(), freshId()];
    const open = await leaseOf(lockOf(gate).acquire(60_000));
    const dying = holdAndDie(id, { releaseOnExit: "true", gate });
    await vi.waitFor(async () => expect(await lockOf(id).isLocked()).toBe(true), SOON);
    const next = lockOf(id).acquire(60_000, { wait: 15_000 });
    await untilWaiting(id, 1);
    await lockOf(gate).release(open);
    expect(await leaseOf(next)).toBeGreaterThan(await dying);
  });

  it("is what it takes: a hold that is not bound goes on", async () => {
    const [plain, bound] = [freshId(), freshId()];
    await holdAndDie(plain, {});
    await holdAndDie(bound);
    await untilFree(bound);
    expect(await lockOf(plain).isLocked()).toBe(true);
  });

  it("its lease is dead: it can't be renewed, and storage says so too", async () => {
    const id = freshId();
    const lease = await holdAndDie(id);
    await untilFree(id);
    await crash(id);
    expect(await lockOf(id).renew(lease, 60_000)).toEqual({ success: false, reason: "NO_LONGER_VALID" });
    expect(await lockOf(id).isLocked()).toBe(false);
  });

  it("is followed by the lock-delay that it asked for", async () => {
    const id = freshId();
    await holdAndDie(id, { releaseOnExit: "true", lockDelay: "50000" });
    await untilFree(id);
    const refused = await lockOf(id).acquire(1_000);
    expect(refused).toMatchObject({ success: false, reason: "BORROWED" });
    expect((await lockOf(id).status()).delayedUntil).toBeGreaterThan(0);
  });

  it("leaves nothing in memory", async () => {
    const id = freshId();
    await holdAndDie(id);
    await untilFree(id);
    await expectNothingLeft(id);
  });
});

describe("crash release: operators reach a bound holder at once", () => {
  it("forceRelease fires its signal", async () => {
    const id = freshId();
    const held = await lockOf(id).hold(BOUND);
    await lockOf(id).forceRelease();
    expect(await untilLost(held)).toMatchObject({ code: "LEASE_LOST", why: "superseded", lease: held.lease });
    expect(await held.release()).toBe(false);
    await expectNothingLeft(id);
  });

  it("requestRelease asks it once, and it goes on holding", async () => {
    const id = freshId();
    const onReleaseRequested = vi.fn<(held: HeldLease) => void>();
    const held = await lockOf(id).hold({ ...BOUND, onReleaseRequested });
    await lockOf(id).requestRelease();
    await vi.waitFor(() => expect(onReleaseRequested).toHaveBeenCalledWith(held), SOON);
    await held.renew();
    await lockOf(id).forceRelease();
    await untilLost(held);
    expect(onReleaseRequested).toHaveBeenCalledTimes(1);
  });

  it("an end that it learns about is stored by then", async () => {
    await runInDurableObject(stubOf(freshId()), async (lock, { storage }) => {
      const { lease } = (await lock.acquire(500)) as { lease: number };
      const { events } = (await lock.watchExit(lease)) as ExitWatchReply;
      expect(await events.next(false)).toEqual({ ended: "expired" });
      expect(storage.sql.exec("SELECT ended FROM leases").toArray()).toEqual([{ ended: "expired" }]);
    });
  });
});

describe("crash release: the object restarts", () => {
  it("the lease lives on, is bound again, and a death after that frees it", async () => {
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

  it("again and again: what was asked for is still told, and the release is a release", async () => {
    const id = freshId();
    const onReleaseRequested = vi.fn<() => void>();
    const held = await lockOf(id).hold({ ...BOUND, onReleaseRequested });
    for (const times of [2, 3]) {
      await crash(id);
      await vi.waitFor(() => expect(binds).toHaveBeenCalledTimes(times), SOON);
    }
    await lockOf(id).requestRelease();
    await vi.waitFor(() => expect(onReleaseRequested).toHaveBeenCalledTimes(1), SOON);
    expect(await held.release()).toBe(true);
    await expectNothingLeft(id);
  });

  it("a release right after it is true, and nothing is bound later", async () => {
    const id = freshId();
    const held = await lockOf(id).hold(BOUND);
    await crash(id);
    expect(await held.release()).toBe(true);
    expect(await lockOf(id).isLocked()).toBe(false);
    await expectNothingLeft(id);
  });

  it("a lease that was ended meanwhile is known to be lost at once", async () => {
    const id = freshId();
    let reachable = true;
    const fault: Fault = async (method, run) => {
      if (method === "watchExit" && !reachable) throw connectionLost();
      return run();
    };
    const held = await lockOf(id, faultyNamespace(fault).namespace).hold(BOUND);
    reachable = false;
    await crash(id);
    await lockOf(id).forceRelease();
    reachable = true;
    expect(await untilLost(held)).toMatchObject({ why: "superseded" });
  });
});
