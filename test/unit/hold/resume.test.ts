import { describe, expect, it, vi } from "vitest";
import { type HeldLease, isLockError } from "../../../src/index.ts";
import { type Fault, faultyNamespace } from "../../support/faulty-namespace.ts";
import { freshId, leaseOf, lockOf, outcome } from "../../support/locks.ts";

/** Waits until the lease has been renewed to so many ms beyond its first deadline, and is not lost. */
async function outlive(held: HeldLease, ms: number): Promise<void> {
  const first = held.deadline;
  await vi.waitFor(() => expect(held.signal.aborted || held.deadline > first + ms).toBe(true), { timeout: 10_000 });
  expect(held.signal.aborted).toBe(false);
}

describe("minHold", () => {
  it("minHold is not lengthened by a renewal that is under way when the work ends.", async () => {
    const id = freshId();
    let letGo: (() => void) | undefined;
    const fault: Fault = async (method, run) => {
      if (method === "renew" && !letGo) await new Promise<void>((resolve) => (letGo = resolve));
      return run();
    };
    const held = await lockOf(id, faultyNamespace(fault).namespace).hold({ ttl: 60_000, minHold: 1_000 });
    const renewing = outcome(held.renew());
    await vi.waitFor(() => expect(letGo).toBeDefined(), { timeout: 10_000, interval: 2 });
    const released = held.release();
    letGo?.();
    expect(await released).toBe(true);
    await renewing;
    const [holder] = (await lockOf(id).status()).holders;
    expect((holder?.deadline ?? 0) - (holder?.since ?? 0)).toBeLessThan(5_000);
  });
});

describe("resume", () => {
  it("resume takes over a lease that was granted elsewhere, and keeps it alive.", async () => {
    const id = freshId();
    const lease = await leaseOf(lockOf(id).acquire(4_000));
    const held = await lockOf(id).resume(lease, { ttl: 4_000 });
    expect(held.lease).toBe(lease);
    await outlive(held, 500);
    expect(await held.release()).toBe(true);
  });

  it("resume throws LEASE_LOST for a lease that has ended.", async () => {
    const id = freshId();
    const lease = await leaseOf(lockOf(id).acquire(10_000));
    await lockOf(id).release(lease);
    const { error } = await outcome(lockOf(id).resume(lease));
    expect(isLockError(error, "LEASE_LOST")).toBe(true);
    expect(error).toMatchObject({ lease, why: "superseded" });
  });
});
