import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { acquire } from "../../../src/hold/acquire.ts";
import type { Grant } from "../../../src/hold/ask-once.ts";
import { renewOnce } from "../../../src/hold/held-lease.ts";
import type { LeaseValidity } from "../../../src/hold/keep-alive.ts";
import { type HeldLease, type LeaseLostError, type LockPrimitives, isLockError } from "../../../src/index.ts";
import { checkAcquire } from "../../../src/toolkit/options/acquire-options.ts";
import { asAsked } from "../../../src/toolkit/options/claim-rule.ts";
import { rpcPrimitives } from "../../../src/transport/rpc/rpc-primitives.ts";
import { type Fault, connectionLost, faultyNamespace, silent } from "../../support/faulty-namespace.ts";
import { crash, freshId, leaseOf, lockOf, outcome, sleep } from "../../support/locks.ts";

/** When the signal fires, by the local clock. */
function fired(signal: AbortSignal): Promise<{ at: number; reason: LeaseLostError }> {
  return new Promise((resolve) => {
    const note = () => resolve({ at: performance.now(), reason: signal.reason as LeaseLostError });
    if (signal.aborted) note();
    else signal.addEventListener("abort", note, { once: true });
  });
}

/** Waits until the lease has been renewed to so many ms beyond its first deadline, and is not lost. */
async function outlive(held: HeldLease, ms: number): Promise<void> {
  const first = held.deadline;
  await vi.waitFor(() => expect(held.signal.aborted || held.deadline > first + ms).toBe(true), { timeout: 10_000 });
  expect(held.signal.aborted).toBe(false);
}

// Concurrent: most of a test waits for time to pass, and each test has separate locks.
describe.concurrent("Loss in time", () => {
  it("G6 A hold renews itself well beyond its ttl.", async () => {
    const id = freshId();
    const held = await lockOf(id).hold({ ttl: 1_000 });
    await outlive(held, 1_500);
    expect(await lockOf(id).renew(held.lease, 1_000)).toMatchObject({ success: true });
    expect(await held.release()).toBe(true);
  });

  it("G6 The holder's signal fires before another caller gets the lock, even if no renewal is ever answered.", async () => {
    const id = freshId();
    const { namespace } = faultyNamespace(silent(["renew"], false));
    const held = await lockOf(id, namespace).hold({ ttl: 2_000 });
    const next = lockOf(id)
      .acquire(1_000, { wait: 10_000 })
      .then((result) => ({ result, at: performance.now() }));
    const { at, reason } = await fired(held.signal);
    expect(reason).toMatchObject({ name: "LeaseLostError", code: "LEASE_LOST", why: "unreachable", lease: held.lease });
    const granted = await next;
    expect(granted.result).toMatchObject({ success: true });
    expect(at).toBeLessThanOrEqual(granted.at);
  });

  it("G6 A lease counts from before its request is sent, not from the late reply.", async () => {
    let arrived = 0;
    const late: LockPrimitives = {
      ...rpcPrimitives(env.DURABLE_LOCK, freshId()),
      acquire: async () => {
        arrived = performance.now();
        await sleep(50);
        return { success: true, lease: 1, deadline: 1, validFor: 400 };
      },
      renew: async (lease) => {
        arrived = performance.now();
        await sleep(50);
        return { success: true, lease, deadline: 1, validFor: 400 };
      },
    };
    const granted = (await acquire(late, checkAcquire(400, {}, asAsked))) as Grant;
    expect(granted.validUntil).toBeLessThanOrEqual(arrived + 400);
    const renewed = (await renewOnce(late, 1, 400, undefined)) as LeaseValidity;
    expect(renewed.validUntil).toBeLessThanOrEqual(arrived + 400);
  });

  it("G6 A grant that arrives after its lease has ended is not handed out.", async () => {
    const id = freshId();
    const { namespace } = faultyNamespace(async (method, run) => {
      const reply = await run();
      if (method === "acquire") await sleep(80);
      return reply;
    });
    const { error } = await outcome(lockOf(id, namespace).hold({ ttl: 40, wait: 0 }));
    expect(isLockError(error, "LEASE_LOST")).toBe(true);
  });

  it("G6 Time spent in the queue does not shorten the hold.", async () => {
    const id = freshId();
    const before = await leaseOf(lockOf(id).acquire(60_000));
    const queuedAt = performance.now();
    const waiting = acquire(rpcPrimitives(env.DURABLE_LOCK, id), checkAcquire(60_000, { wait: 10_000 }, asAsked));
    const waited = async () => (await lockOf(id).status()).waiters[0]?.waited ?? 0;
    await vi.waitFor(async () => expect(await waited()).toBeGreaterThan(100), { timeout: 10_000 });
    const atLeast = await waited();
    await lockOf(id).release(before);
    const { validUntil } = (await waiting) as Grant;
    expect(validUntil).toBeGreaterThanOrEqual(queuedAt + atLeast + 60_000);
  });

  it("G6 A renewal that is answered with NO_LONGER_VALID is a loss at once.", async () => {
    const id = freshId();
    const held = await lockOf(id).hold({ ttl: 3_000 });
    await lockOf(id).release(held.lease);
    const { reason } = await fired(held.signal);
    expect(reason).toMatchObject({ why: "superseded" });
  });

  it("G6 Faults between two renewals are no loss.", async () => {
    const id = freshId();
    let faults = 0;
    const fault: Fault = async (method, run) => {
      if (method === "renew" && faults++ % 2 === 0) throw connectionLost();
      return run();
    };
    const held = await lockOf(id, faultyNamespace(fault).namespace).hold({ ttl: 1_000 });
    await outlive(held, 1_500);
    expect(faults).toBeGreaterThan(2);
    await held.release();
  });

  it("G6 A fault that is not worth repeating is no loss, and the next renewal is still tried.", async () => {
    const id = freshId();
    let asked = 0;
    const fault: Fault = async (method, run) => {
      if (method === "renew" && asked++ === 0) throw new Error("overload, or whatever");
      return run();
    };
    const held = await lockOf(id, faultyNamespace(fault).namespace).hold({ ttl: 2_000 });
    await outlive(held, 500);
    expect(await held.release()).toBe(true);
  });

  it("G6 A hold survives a crash of the object.", async () => {
    const id = freshId();
    const held = await lockOf(id).hold({ ttl: 1_000 });
    await crash(id);
    await outlive(held, 500);
    expect(await held.release()).toBe(true);
  });

  it("G6 A hold with a ttl of 50 ms never sends two renewals at once, nor a hot loop of them.", async () => {
    const id = freshId();
    let atOnce = 0;
    let most = 0;
    let renewals = 0;
    const fault: Fault = async (method, run) => {
      if (method !== "renew") return run();
      renewals += 1;
      most = Math.max(most, (atOnce += 1));
      return run().finally(() => (atOnce -= 1));
    };
    const lock = lockOf(id, faultyNamespace(fault).namespace);
    const hold = async () => (await outcome(lock.hold({ ttl: 50 }))).value;
    let held = await hold();
    // A stall of the machine may cost a lease as short as this before its first renewal.
    await vi.waitFor(
      async () => {
        if (!held || held.signal.aborted) held = await hold();
        expect(renewals).toBeGreaterThan(0);
      },
      { timeout: 10_000, interval: 20 },
    );
    const since = performance.now();
    await sleep(1_000);
    await held?.release();
    expect(most).toBe(1);
    expect(renewals).toBeLessThanOrEqual(10 + (performance.now() - since) / 10);
  });
});

describe.concurrent("Release during a renewal", () => {
  it("G3 A renewal that arrives after the release does not revive the lease.", async () => {
    const id = freshId();
    let letGo = () => {};
    let arrived: Promise<unknown> | undefined;
    const fault: Fault = (method, run) => {
      if (method !== "renew") return run();
      arrived = new Promise<void>((resolve) => (letGo = resolve)).then(run);
      return arrived;
    };
    const held = await lockOf(id, faultyNamespace(fault).namespace).hold({ ttl: 30_000 });
    const renewing = outcome(held.renew());
    await vi.waitFor(() => expect(arrived).toBeDefined(), { timeout: 10_000, interval: 2 });
    expect(await held.release()).toBe(true);
    letGo();
    expect(await arrived).toMatchObject({ reason: "NO_LONGER_VALID" });
    await renewing;
    expect(await lockOf(id).isLocked()).toBe(false);
    expect(held.signal.aborted).toBe(false);
  });

  it("G3 A lease stays released if the reply to an earlier renewal arrives late.", async () => {
    const id = freshId();
    let letGo: (() => void) | undefined;
    const fault: Fault = async (method, run) => {
      const reply = await run();
      if (method === "renew") await new Promise<void>((resolve) => (letGo = resolve));
      return reply;
    };
    const held = await lockOf(id, faultyNamespace(fault).namespace).hold({ ttl: 30_000 });
    const renewing = outcome(held.renew());
    await vi.waitFor(() => expect(letGo).toBeDefined(), { timeout: 10_000, interval: 2 });
    expect(await held.release()).toBe(true);
    letGo?.();
    expect((await renewing).error).toMatchObject({ code: "LEASE_LOST" });
    expect(await lockOf(id).isLocked()).toBe(false);
  });
});

describe.concurrent("Held lease over RPC", () => {
  it("`await using` releases a held lease at the end of the block.", async () => {
    const lock = lockOf(freshId());
    {
      await using held = await lock.hold();
      expect(held.lease).toBeGreaterThan(0);
      expect(await lock.isLocked()).toBe(true);
    }
    expect(await lock.isLocked()).toBe(false);
  });

  it("Two calls of release give the same answer and send one release.", async () => {
    const { namespace, calls } = faultyNamespace((_method, run) => run());
    const { release } = await lockOf(freshId(), namespace).hold();
    expect(await Promise.all([release(), release()])).toEqual([true, true]);
    expect(calls.filter(({ method }) => method === "release")).toHaveLength(1);
  });

  it("The release of a lease that has already ended returns false and throws nothing.", async () => {
    const id = freshId();
    const held = await lockOf(id).hold();
    await lockOf(id).release(held.lease);
    expect(await held.release()).toBe(false);
  });

  it("renew() of a held lease accepts another ttl, refuses a bad one, and fails after the release.", async () => {
    const id = freshId();
    const held = await lockOf(id).hold({ ttl: 10_000 });
    const before = held.deadline;
    await held.renew(60_000);
    expect(held.deadline).toBeGreaterThan(before + 40_000);
    await held.renew();
    expect(held.deadline).toBeGreaterThan(before + 40_000);
    expect((await outcome(held.renew(0))).error).toMatchObject({ code: "INVALID_ARGUMENT", argument: "ttl" });
    await held.release();
    expect((await outcome(held.renew())).error).toMatchObject({ code: "LEASE_LOST" });
  });

  it("maxHold ends a hold: the signal fires and the lock becomes free, whatever the holder does.", async () => {
    const id = freshId();
    const held = await lockOf(id).hold({ ttl: 3_000, maxHold: 4_500 });
    const first = held.deadline;
    const next = lockOf(id).acquire(1_000, { wait: 10_000 });
    // A hold without maxHold would never fire it.
    const { reason } = await fired(held.signal);
    expect(reason).toMatchObject({ why: "expired" });
    expect(reason.message).toContain("maxHold");
    // It was renewed, to the very end of maxHold.
    expect(held.deadline).toBeGreaterThan(first);
    expect(await next).toMatchObject({ success: true });
  });

  it("A maxHold below the ttl shortens the lease itself.", async () => {
    const id = freshId();
    const held = await lockOf(id).hold({ maxHold: 1_000 });
    const [holder] = (await lockOf(id).status()).holders;
    expect((holder?.deadline ?? 0) - (holder?.since ?? 0)).toBe(1_000);
    await held.release();
  });

  it("minHold keeps the lock taken after an early release, and no longer.", async () => {
    const id = freshId();
    await lockOf(id).withLock(() => {}, { minHold: 300 });
    expect(await lockOf(id).tryWithLock(() => {})).toMatchObject({ acquired: false, reason: "BORROWED" });
    expect(await lockOf(id).acquire(1_000, { wait: 5_000 })).toMatchObject({ success: true });
  });
});
