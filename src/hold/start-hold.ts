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

/** The checked options for acquiring and holding a lock. */
export interface HoldRequest extends Acquisition {
  bounds: HoldBounds;
}

/** Takes the lock and holds it, or returns the refusal. */
export async function tryHold(primitives: LockPrimitives, acquisition: HoldRequest): Promise<LiveHold | RefusalReply> {
  const hold = await tryJob(primitives, acquisition);
  if ("held" in hold || hold.reason !== "RECORDED") return hold;
  throw unexpectedRefusal(hold);
}

/** Tries to hold the lock for a once-only job. If the job has already run, returns its record instead. */
export async function tryJob(
  primitives: LockPrimitives,
  acquisition: HoldRequest,
): Promise<LiveHold | RecordedReply | RefusalReply> {
  checkExitWatch(primitives, acquisition.bounds);
  const acquired = await acquire(primitives, acquisition);
  if (!acquired.success) return acquired;
  const spec = { ...acquisition, claim: acquisition.request };
  return await holdOrGiveUp(primitives, acquired, spec, (hold) => hold.release());
}

/** Takes the lock and holds it, or throws the refusal as a `LockError`. */
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
  // If the exit watch can't be set up, don't release the lease: it was live before this call, so the caller can try
  // again.
  const spec = { bounds, claim: AT_LEAST };
  return (await holdOrGiveUp(primitives, { lease, ...renewal }, spec, async ({ keepAlive }) => keepAlive.stop())).held;
}

/**
 * Holds a granted lease. If the exit watch can't be set up, gives the hold up: a caller that asked for `releaseOnExit`
 * must never hold the lease without it. Also gives the hold up if the caller has aborted since the grant.
 */
async function holdOrGiveUp(
  primitives: LockPrimitives,
  granted: LiveLease,
  { bounds, claim, signal }: Pick<HoldRequest, "bounds"> & { claim: Claim; signal?: AbortSignal | undefined },
  giveUp: (hold: LiveHold) => Promise<unknown>,
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
  // The reply may have taken longer than the lease lasts. No work may run under such a lease.
  if (hold.held.isLost()) throw hold.held.signal.reason;
  return hold;
}
