import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type ExitWatch, createLock } from "../../../src/index.ts";
import { rpcPrimitives } from "../../../src/transport/rpc/rpc-primitives.ts";
import {
  RELEASE_ON_EXIT,
  cuttable,
  expectNothingLeft,
  SOON,
  spyOnWatches,
  untilFree,
  untilLost,
  withWatchExit,
} from "../../support/release-on-exit.ts";
import {
  type Fault,
  connectionLost,
  faultyNamespace,
  losingReplies,
  overloaded,
  silent,
} from "../../support/faulty-namespace.ts";
import { freshId, leaseOf, lockOf, outcome, untilWaiting } from "../../support/locks.ts";
import { countTimers } from "../../support/timers.ts";

let { binds, cuts } = spyOnWatches();
beforeEach(() => {
  ({ binds, cuts } = spyOnWatches());
});
afterEach(() => {
  vi.useRealTimers();
});

describe("Crash release: faults in setting up the exit watch", () => {
  it("If the reply to watchExit is lost, the client asks again, and the end of the first exit watch ends nothing.", async () => {
    const id = freshId();
    let lost = 0;
    const fault: Fault = async (method, run) => {
      const reply = await run();
      if (method !== "watchExit" || lost++ > 0) return reply;
      // The runtime disposes of a reply that can't be delivered.
      (reply as Disposable)[Symbol.dispose]();
      await vi.waitFor(() => expect(cuts).toHaveBeenCalledTimes(1), SOON);
      throw connectionLost();
    };
    const held = await lockOf(id, faultyNamespace(fault).namespace).hold(RELEASE_ON_EXIT);
    expect(binds).toHaveBeenCalledTimes(2);
    expect(await held.release()).toBe(true);
    await expectNothingLeft(id);
  });

  it("If the reply to watchExit is lost but its exit watch stays, the release still frees the lock.", async () => {
    const id = freshId();
    const held = await lockOf(id, faultyNamespace(losingReplies(["watchExit"])).namespace).hold(RELEASE_ON_EXIT);
    expect(binds).toHaveBeenCalledTimes(2);
    expect(await held.release()).toBe(true);
    expect(await lockOf(id).isLocked()).toBe(false);
  });

  it("If the object is too old for watchExit, the caller gets its error unchanged and the lock is released.", async () => {
    const id = freshId();
    const lock = withWatchExit(id, () => Promise.reject(new TypeError("does not implement bind")));
    const { error } = await outcome(lock.withLock(() => {}, RELEASE_ON_EXIT));
    expect(error).toMatchObject({ message: "does not implement bind" });
    expect(await lockOf(id).isLocked()).toBe(false);
  });

  it("If resume can't set up the exit watch, it leaves the lease as it was, and another resume succeeds.", async () => {
    const id = freshId();
    const lease = await leaseOf(lockOf(id).acquire(60_000));
    const failing = withWatchExit(id, () => Promise.reject(new TypeError("does not implement bind")));
    expect((await outcome(failing.resume(lease, RELEASE_ON_EXIT))).error).toMatchObject({
      message: "does not implement bind",
    });
    const held = await lockOf(id).resume(lease, RELEASE_ON_EXIT);
    expect(await held.release()).toBe(true);
  });

  it("A lease that ends while its exit watch is being set up is reported as LEASE_LOST.", async () => {
    const { namespace } = faultyNamespace(silent(["watchExit", "renew"], false));
    const unanswered = lockOf(freshId(), namespace).hold({ ttl: 100, releaseOnExit: true });
    expect((await outcome(unanswered)).error).toMatchObject({ code: "LEASE_LOST" });
    const id = freshId();
    const overtaken = withWatchExit(id, async (bind) => {
      await lockOf(id).forceRelease();
      return bind();
    });
    expect((await outcome(overtaken.hold(RELEASE_ON_EXIT))).error).toMatchObject({
      code: "LEASE_LOST",
      why: "superseded",
    });
  });

  it("On a transport without watchExit, releaseOnExit is an INVALID_ARGUMENT, and nothing is taken or renewed.", async () => {
    const id = freshId();
    const unable = rpcPrimitives(env.DURABLE_LOCK, id);
    delete unable.watchExit;
    const [acquire, renew] = [vi.spyOn(unable, "acquire"), vi.spyOn(unable, "renew")];
    const lock = createLock(unable);
    const calls = [
      () => lock.hold(RELEASE_ON_EXIT),
      () => lock.resume(1, RELEASE_ON_EXIT),
      () => lock.tryWithLock(() => {}, RELEASE_ON_EXIT),
    ];
    for (const call of calls)
      expect((await outcome<unknown>(call())).error).toMatchObject({
        code: "INVALID_ARGUMENT",
        argument: "releaseOnExit",
      });
    expect(acquire).not.toHaveBeenCalled();
    expect(renew).not.toHaveBeenCalled();
  });

  it("releaseOnExit excludes minHold and must be true or false.", async () => {
    const id = freshId();
    const lock = lockOf(id);
    for (const options of [{ releaseOnExit: true, minHold: 1_000 }, { releaseOnExit: "yes" as unknown as boolean }])
      expect((await outcome(lock.hold(options))).error).toMatchObject({
        code: "INVALID_ARGUMENT",
        argument: "releaseOnExit",
      });
    expect(await lock.isLocked()).toBe(false);
  });
});

// Concurrent: most tests only wait for time to pass. None of them may use the shared counts of exit watches.
describe.concurrent("Crash release: slow faults and slow ends", () => {
  it("If the object can't be reached for watchExit, the hold fails with UNREACHABLE and the lock is released.", async () => {
    const id = freshId();
    const fault: Fault = async (method, run) => {
      if (method === "watchExit") throw overloaded();
      return run();
    };
    const { error } = await outcome(lockOf(id, faultyNamespace(fault).namespace).hold(RELEASE_ON_EXIT));
    expect(error).toMatchObject({ code: "UNREACHABLE" });
    expect(await lockOf(id).isLocked()).toBe(false);
  });

  it("An exit watch that arrives after the hold was aborted is disposed of.", async () => {
    const id = freshId();
    const controller = new AbortController();
    let answer = () => {};
    const late = new Promise<void>((resolve) => (answer = resolve));
    let disposals = 0;
    const lock = withWatchExit(id, async (bind) => {
      const watch = (await bind()) as Extract<ExitWatch, { success: true }>;
      controller.abort(new Error("enough"));
      await late;
      const dispose = () => {
        disposals += 1;
        watch[Symbol.dispose]();
      };
      return { ...watch, [Symbol.dispose]: dispose };
    });
    const { error } = await outcome(lock.hold({ ...RELEASE_ON_EXIT, signal: controller.signal }));
    expect(error).toMatchObject({ message: "enough" });
    expect(await lockOf(id).isLocked()).toBe(false);
    answer();
    await vi.waitFor(() => expect(disposals).toBe(1), SOON);
    await expectNothingLeft(id);
  });

  it("If a holder gives up at its local deadline, the object does not grant the lock before the lease expires.", async () => {
    const id = freshId();
    const { namespace } = faultyNamespace(silent(["renew"], false));
    const held = await lockOf(id, namespace).hold({ ttl: 3_000, releaseOnExit: true });
    const next = lockOf(id).acquire(60_000, { wait: 15_000 });
    expect(await next).toMatchObject({ success: true });
    expect(held.signal.reason).toMatchObject({ why: "unreachable" });
    const [holder] = (await lockOf(id).status()).holders;
    expect(holder?.since).toBeGreaterThanOrEqual(held.deadline);
    await expectNothingLeft(id);
  });

  it("maxHold ends a hold with releaseOnExit as it ends any other hold.", async () => {
    const id = freshId();
    const held = await lockOf(id).hold({ ...RELEASE_ON_EXIT, maxHold: 2_000 });
    await lockOf(id).withLock(() => {}, { wait: 15_000 });
    expect(held.signal.reason).toMatchObject({ why: "expired" });
    await expectNothingLeft(id);
  });
});

describe("Crash release: exit watches", () => {
  /** Sets up an exit watch for a lease, with a holder that listens for events. */
  async function watchExitOf(id: string, lease: number): Promise<ExitWatch> {
    const watch = (await rpcPrimitives(env.DURABLE_LOCK, id).watchExit?.(lease)) as ExitWatch;
    void watch.next(false).catch(() => {});
    return watch;
  }

  it("After a lease is watched again, only the end of the last exit watch frees the lock.", async () => {
    const id = freshId();
    const lease = await leaseOf(lockOf(id).acquire(60_000));
    const old = await watchExitOf(id, lease);
    const renewed = await watchExitOf(id, lease);
    old[Symbol.dispose]();
    await vi.waitFor(() => expect(cuts).toHaveBeenCalledTimes(1), SOON);
    expect(await lockOf(id).isLocked()).toBe(true);
    renewed[Symbol.dispose]();
    await untilFree(id);
    await expectNothingLeft(id);
  });

  it("If the later of two exit watches ends first, the lease lives until the other one ends.", async () => {
    const id = freshId();
    const lease = await leaseOf(lockOf(id).acquire(60_000));
    const first = await watchExitOf(id, lease);
    const late = await watchExitOf(id, lease);
    late[Symbol.dispose]();
    await vi.waitFor(() => expect(cuts).toHaveBeenCalledTimes(1), SOON);
    expect(await lockOf(id).isLocked()).toBe(true);
    first[Symbol.dispose]();
    await untilFree(id);
  });

  it("An exit watch of a lease that has ended does not end another lease.", async () => {
    const id = freshId();
    const lease = await leaseOf(lockOf(id).acquire(60_000));
    const watch = await watchExitOf(id, lease);
    await lockOf(id).release(lease);
    const next = await leaseOf(lockOf(id).acquire(60_000));
    watch[Symbol.dispose]();
    await vi.waitFor(() => expect(cuts).toHaveBeenCalledTimes(1), SOON);
    expect((await lockOf(id).status()).holders).toMatchObject([{ lease: next }]);
  });

  it("The end of one reader's exit watch frees only that reader's permit.", async () => {
    const id = freshId();
    const reader = { permits: 1, capacity: Number.POSITIVE_INFINITY };
    const [one, other] = [
      await leaseOf(lockOf(id).acquire(60_000, reader)),
      await leaseOf(lockOf(id).acquire(60_000, reader)),
    ];
    const watch = await watchExitOf(id, one);
    watch[Symbol.dispose]();
    await vi.waitFor(async () => expect((await lockOf(id).status()).holders).toMatchObject([{ lease: other }]), SOON);
  });
});

describe("Crash release: cut connections", () => {
  it("After a cut, the lock goes to the next waiter, the holder's signal fires, and fencing refuses its late write.", async () => {
    const { lock, id, cut } = cuttable();
    const ledger = env.LEDGER.getByName(id);
    const held = await lock.hold(RELEASE_ON_EXIT);
    const next = lockOf(id).acquire(60_000, { wait: 15_000 });
    await untilWaiting(id, 1);
    cut();
    const newer = await leaseOf(next);
    expect(await untilLost(held)).toMatchObject({ code: "LEASE_LOST", lease: held.lease });
    expect(await ledger.write(newer, "new")).toBe(true);
    expect(await ledger.write(held.lease, "late")).toBe(false);
    expect(await ledger.read()).toBe("new");
  });

  it("If the connection is cut during the work, withLock rejects with LEASE_LOST although the work succeeded.", async () => {
    const { lock, id, cut } = cuttable();
    const { error } = await outcome(
      lock.withLock(async () => {
        cut();
        await untilFree(id);
      }, RELEASE_ON_EXIT),
    );
    expect(error).toMatchObject({ code: "LEASE_LOST" });
  });

  it("An exit watch whose connection fails every time is not set up again in a hot loop.", async () => {
    let setups = 0;
    const id = freshId();
    const lock = withWatchExit(id, async () => {
      setups += 1;
      return { success: true, next: () => Promise.reject(connectionLost()), [Symbol.dispose]: () => {} };
    });
    const held = await lock.hold(RELEASE_ON_EXIT);
    await vi.waitFor(() => expect(setups).toBeGreaterThan(4), { timeout: 10_000 });
    expect(setups).toBeLessThan(50);
    expect(await held.release()).toBe(true);
    const after = setups;
    await lockOf(id).withLock(() => {}, RELEASE_ON_EXIT);
    expect(setups).toBe(after);
  });
});

describe("Crash release: leaks", () => {
  it("G8: After a hold with releaseOnExit is released or lost, no timer is left on the client or the object.", async () => {
    const { pending, restore } = countTimers();
    try {
      await lockOf(freshId()).withLock(() => {}, RELEASE_ON_EXIT);
      expect(pending.size).toBe(0);
      const id = freshId();
      const held = await lockOf(id).hold(RELEASE_ON_EXIT);
      await lockOf(id).forceRelease();
      await untilLost(held);
      for (let n = 0; pending.size > 0 && n < 500; n += 1) await lockOf(id).isLocked();
      expect(pending.size).toBe(0);
    } finally {
      restore();
    }
  });
});
