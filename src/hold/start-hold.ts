import type { Claim } from "../core/leases/lease.ts";
import type { RecordedReply, RefusalReply } from "../core/replies.ts";
import { LeaseLostError } from "../errors.ts";
import type { LockPrimitives } from "../transport/primitives.ts";
import { unexpectedRefusal } from "../transport/version-mismatch.ts";
import { acquire } from "./acquire.ts";
import type { Acquisition } from "./acquisition.ts";
import { watchHold, checkExitWatch } from "./exit-watch.ts";
import {
  type HeldLease,
  type Hold,
  type HoldBounds,
  type LiveHold,
  type LiveLease,
  holdLease,
  renewOnce,
} from "./held-lease.ts";
import { lossMessage } from "./loss.ts";
import { AT_LEAST, noteHold } from "./own-holds.ts";
import { refused } from "./refusal.ts";

/** A checked way to acquire and hold. */
export interface HoldRequest extends Acquisition {
  bounds: HoldBounds;
}

/** Takes the lock and keeps it, or tells why not. */
export async function tryHold(primitives: LockPrimitives, acquisition: HoldRequest): Promise<LiveHold | RefusalReply> {
  const hold = await tryJob(primitives, acquisition);
  if ("held" in hold || hold.reason !== "RECORDED") return hold;
  throw unexpectedRefusal(hold);
}

/** The same for a job that runs once: if it has run, its result is the answer. */
export async function tryJob(
  primitives: LockPrimitives,
  acquisition: HoldRequest,
): Promise<LiveHold | RecordedReply | RefusalReply> {
  checkExitWatch(primitives, acquisition.bounds);
  const acquired = await acquire(primitives, acquisition);
  if (!acquired.success) return acquired;
  const spec = { ...acquisition, claim: acquisition.request };
  return await keep(primitives, acquired, spec, (kept) => kept.release());
}

/** Takes the lock and keeps it, or throws. */
export async function startHold(primitives: LockPrimitives, acquisition: HoldRequest): Promise<Hold> {
  const hold = await tryHold(primitives, acquisition);
  if ("held" in hold) return hold;
  throw refused(primitives, acquisition, hold);
}

/** Takes over a lease that was granted elsewhere. */
export async function resume(primitives: LockPrimitives, lease: number, bounds: HoldBounds): Promise<HeldLease> {
  checkExitWatch(primitives, bounds);
  const renewal = await renewOnce(primitives, lease, Math.min(bounds.ttl, bounds.maxHold));
  if ("lost" in renewal) throw new LeaseLostError(renewal.lost, lease, lossMessage(renewal.lost, lease));
  // If the exit watch can't be set up, the lease is not released: it was live before, and the caller can try again.
  const spec = { bounds, claim: AT_LEAST };
  return (await keep(primitives, { lease, ...renewal }, spec, async ({ keepAlive }) => keepAlive.stop())).held;
}

/**
 * If the exit watch can't be set up, releases the lease: a caller that asked for `releaseOnExit` must never hold the lease
 * without it. A lease that was granted to a caller who has aborted since is released too.
 */
async function keep(
  primitives: LockPrimitives,
  granted: LiveLease,
  { bounds, claim, signal }: Pick<HoldRequest, "bounds"> & { claim: Claim; signal?: AbortSignal | undefined },
  giveUp: (kept: LiveHold) => Promise<unknown>,
): Promise<LiveHold> {
  const hold = holdLease(primitives, granted, bounds);
  noteHold(primitives.key, granted.lease, claim, hold.keepAlive);
  // Giving up the hold also stops the setup of its exit watch.
  const onAbort = () => void giveUp(hold).catch(() => {});
  signal?.addEventListener("abort", onAbort);
  try {
    signal?.throwIfAborted();
    if (bounds.releaseOnExit) await watchHold(primitives, hold);
    signal?.throwIfAborted();
  } catch (error) {
    await giveUp(hold).catch(() => {});
    throw error;
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
  // The reply may have taken longer than the lease lasts: what was granted then must not be worked under.
  if (hold.held.isLost()) throw hold.held.signal.reason;
  return hold;
}
