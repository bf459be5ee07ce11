import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type ExitWatch, createLock } from "../../../src/index.ts";
import { rpcPrimitives } from "../../../src/transport/rpc/rpc-primitives.ts";
import {
  BOUND,
  cuttable,
  expectNothingLeft,
  SOON,
  spyOnBonds,
  untilFree,
  untilLost,
  withBind,
} from "../../support/bound.ts";
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

let { binds, cuts } = spyOnBonds();
beforeEach(() => {
  ({ binds, cuts } = spyOnBonds());
});
afterEach(() => {
  vi.useRealTimers();
});

describe("crash release: binding fails", () => {
  it("a lost reply: asked again, releaseOnExit, and the first tie ends nothing when it goes", async () => {
    const id = freshId();
    let lost = 0;
    const fault: Fault = async (method, run) => {
      const reply = await run();
      if (method !== "watchExit" || lost++ > 0) return reply;
      // As the runtime does with a reply that can't be delivered.
      (reply as Disposable)[Symbol.dispose]();
      await vi.waitFor(() => expect(cuts).toHaveBeenCalledTimes(1), SOON);
      throw connectionLost();
    };
    const held = await lockOf(id, faultyNamespace(fault).namespace).hold(BOUND);
    expect(binds).toHaveBeenCalledTimes(2);
    expect(await held.release()).toBe(true);
    await expectNothingLeft(id);
  });

  it("a lost reply whose tie stays: the death of the holder still frees the lock", async () => {
    const id = freshId();
    const held = await lockOf(id, faultyNamespace(losingReplies(["watchExit"])).namespace).hold(BOUND);
    expect(binds).toHaveBeenCalledTimes(2);
    expect(await held.release()).toBe(true);
    expect(await lockOf(id).isLocked()).toBe(false);
  });

  it("an object that is too old to know how: its error as it is, and the lock is given back", async () => {
    const id = freshId();
    const lock = withBind(id, () => Promise.reject(new TypeError("does not implement bind")));
    const { error } = await outcome(lock.withLock(() => {}, BOUND));
    expect(error).toMatchObject({ message: "does not implement bind" });
    expect(await lockOf(id).isLocked()).toBe(false);
  });

  it("resume leaves a lease that it can't bind as it was, to be tried again", async () => {
    const id = freshId();
    const lease = await leaseOf(lockOf(id).acquire(60_000));
    const failing = withBind(id, () => Promise.reject(new TypeError("does not implement bind")));
    expect((await outcome(failing.resume(lease, BOUND))).error).toMatchObject({ message: "does not implement bind" });
    const held = await lockOf(id).resume(lease, BOUND);
    expect(await held.release()).toBe(true);
  });

  it("a lease that ends while it is being bound is LEASE_LOST", async () => {
    const { namespace } = faultyNamespace(silent(["watchExit", "renew"], false));
    const unanswered = lockOf(freshId(), namespace).hold({ ttl: 100, releaseOnExit: true });
    expect((await outcome(unanswered)).error).toMatchObject({ code: "LEASE_LOST" });
    const id = freshId();
    const overtaken = withBind(id, async (bind) => {
      await lockOf(id).forceRelease();
      return bind();
    });
    expect((await outcome(overtaken.hold(BOUND))).error).toMatchObject({ code: "LEASE_LOST", why: "superseded" });
  });

  it("a transport that can't: INVALID_ARGUMENT, and nothing is taken or renewed", async () => {
    const id = freshId();
    const unable = rpcPrimitives(env.DURABLE_LOCK, id);
    delete unable.watchExit;
    const [acquire, renew] = [vi.spyOn(unable, "acquire"), vi.spyOn(unable, "renew")];
    const lock = createLock(unable);
    const calls = [() => lock.hold(BOUND), () => lock.resume(1, BOUND), () => lock.tryWithLock(() => {}, BOUND)];
    for (const call of calls)
      expect((await outcome<unknown>(call())).error).toMatchObject({
        code: "INVALID_ARGUMENT",
        argument: "releaseOnExit",
      });
    expect(acquire).not.toHaveBeenCalled();
    expect(renew).not.toHaveBeenCalled();
  });

  it("bound and minHold exclude each other, and bound is true or false", async () => {
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

// At once: most of each is waiting for time to pass. None may count the ties of all.
describe.concurrent("crash release: binding fails, or a hold ends, in the course of time", () => {
  it("an object that can't be reached: UNREACHABLE, and the lock is given back", async () => {
    const id = freshId();
    const fault: Fault = async (method, run) => {
      if (method === "watchExit") throw overloaded();
      return run();
    };
    const { error } = await outcome(lockOf(id, faultyNamespace(fault).namespace).hold(BOUND));
    expect(error).toMatchObject({ code: "UNREACHABLE" });
    expect(await lockOf(id).isLocked()).toBe(false);
  });

  it("an answer that comes too late is let go of", async () => {
    const id = freshId();
    const controller = new AbortController();
    let answer = () => {};
    const late = new Promise<void>((resolve) => (answer = resolve));
    let letGo = 0;
    const lock = withBind(id, async (bind) => {
      const binding = (await bind()) as Extract<ExitWatch, { success: true }>;
      controller.abort(new Error("enough"));
      await late;
      const dispose = () => {
        letGo += 1;
        binding[Symbol.dispose]();
      };
      return { ...binding, [Symbol.dispose]: dispose };
    });
    const { error } = await outcome(lock.hold({ ...BOUND, signal: controller.signal }));
    expect(error).toMatchObject({ message: "enough" });
    expect(await lockOf(id).isLocked()).toBe(false);
    answer();
    await vi.waitFor(() => expect(letGo).toBe(1), SOON);
    await expectNothingLeft(id);
  });

  it("lost by the local deadline, the lease is not given on before its time", async () => {
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

  it("maxHold ends it as it ends any other", async () => {
    const id = freshId();
    const held = await lockOf(id).hold({ ...BOUND, maxHold: 2_000 });
    await lockOf(id).withLock(() => {}, { wait: 15_000 });
    expect(held.signal.reason).toMatchObject({ why: "expired" });
    await expectNothingLeft(id);
  });
});

describe("crash release: ties", () => {
  /** A lease that is bound, with its holder listening. */
  async function bindTo(id: string, lease: number): Promise<ExitWatch> {
    const binding = (await rpcPrimitives(env.DURABLE_LOCK, id).watchExit?.(lease)) as ExitWatch;
    void binding.next(false).catch(() => {});
    return binding;
  }

  it("an old one that goes after the lease was bound again ends nothing, the last one does", async () => {
    const id = freshId();
    const lease = await leaseOf(lockOf(id).acquire(60_000));
    const old = await bindTo(id, lease);
    const renewed = await bindTo(id, lease);
    old[Symbol.dispose]();
    await vi.waitFor(() => expect(cuts).toHaveBeenCalledTimes(1), SOON);
    expect(await lockOf(id).isLocked()).toBe(true);
    renewed[Symbol.dispose]();
    await untilFree(id);
    await expectNothingLeft(id);
  });

  it("one that was bound later and goes first ends nothing either", async () => {
    const id = freshId();
    const lease = await leaseOf(lockOf(id).acquire(60_000));
    const first = await bindTo(id, lease);
    const late = await bindTo(id, lease);
    late[Symbol.dispose]();
    await vi.waitFor(() => expect(cuts).toHaveBeenCalledTimes(1), SOON);
    expect(await lockOf(id).isLocked()).toBe(true);
    first[Symbol.dispose]();
    await untilFree(id);
  });

  it("one of a lease that is over ends no other lease", async () => {
    const id = freshId();
    const lease = await leaseOf(lockOf(id).acquire(60_000));
    const binding = await bindTo(id, lease);
    await lockOf(id).release(lease);
    const next = await leaseOf(lockOf(id).acquire(60_000));
    binding[Symbol.dispose]();
    await vi.waitFor(() => expect(cuts).toHaveBeenCalledTimes(1), SOON);
    expect((await lockOf(id).status()).holders).toMatchObject([{ lease: next }]);
  });

  it("one of several readers frees its own permit only", async () => {
    const id = freshId();
    const reader = { permits: 1, capacity: Number.POSITIVE_INFINITY };
    const [one, other] = [
      await leaseOf(lockOf(id).acquire(60_000, reader)),
      await leaseOf(lockOf(id).acquire(60_000, reader)),
    ];
    const binding = await bindTo(id, one);
    binding[Symbol.dispose]();
    await vi.waitFor(async () => expect((await lockOf(id).status()).holders).toMatchObject([{ lease: other }]), SOON);
  });
});

describe("crash release: a cut connection looks like a death", () => {
  it("the lock goes to the next, the holder's signal fires, and fencing refuses its late write", async () => {
    const { lock, id, cut } = cuttable();
    const ledger = env.LEDGER.getByName(id);
    const held = await lock.hold(BOUND);
    const next = lockOf(id).acquire(60_000, { wait: 15_000 });
    await untilWaiting(id, 1);
    cut();
    const newer = await leaseOf(next);
    expect(await untilLost(held)).toMatchObject({ code: "LEASE_LOST", lease: held.lease });
    expect(await ledger.write(newer, "new")).toBe(true);
    expect(await ledger.write(held.lease, "late")).toBe(false);
    expect(await ledger.read()).toBe("new");
  });

  it("withLock says so though its work went well", async () => {
    const { lock, id, cut } = cuttable();
    const { error } = await outcome(
      lock.withLock(async () => {
        cut();
        await untilFree(id);
      }, BOUND),
    );
    expect(error).toMatchObject({ code: "LEASE_LOST" });
  });

  it("a connection that fails at once whenever it is made is not made in a hot loop", async () => {
    let bound = 0;
    const id = freshId();
    const lock = withBind(id, async () => {
      bound += 1;
      return { success: true, next: () => Promise.reject(connectionLost()), [Symbol.dispose]: () => {} };
    });
    const held = await lock.hold(BOUND);
    await vi.waitFor(() => expect(bound).toBeGreaterThan(4), { timeout: 10_000 });
    expect(bound).toBeLessThan(50);
    expect(await held.release()).toBe(true);
    const after = bound;
    await lockOf(id).withLock(() => {}, BOUND);
    expect(bound).toBe(after);
  });
});

describe("crash release: G8 at the end of a hold", () => {
  it("no timer is left, of the client's or the object's, whether it was released or lost", async () => {
    const { pending, restore } = countTimers();
    try {
      await lockOf(freshId()).withLock(() => {}, BOUND);
      expect(pending.size).toBe(0);
      const id = freshId();
      const held = await lockOf(id).hold(BOUND);
      await lockOf(id).forceRelease();
      await untilLost(held);
      for (let n = 0; pending.size > 0 && n < 500; n += 1) await lockOf(id).isLocked();
      expect(pending.size).toBe(0);
    } finally {
      restore();
    }
  });
});
