import type { Claim } from "../core/lease.ts";
import { LIMITS } from "../core/limits.ts";
import type { RefusalReply } from "../core/replies.ts";
import type { LockRequest } from "../core/request.ts";
import { LeaseLostError, LockError } from "../errors.ts";
import { acquire } from "./acquire.ts";
import { bindLease, checkBindable } from "./bind.ts";
import { type Granted, type Hold, type HeldLease, type Kept, holdLease, renewOnce } from "./held-lease.ts";
import { lossMessage } from "./keep-alive.ts";
import type { Acquisition, HoldBounds, Holding } from "./options.ts";
import { AT_LEAST, holdsAnother, inItsOwnWaySince, noteHold } from "./own-holds.ts";
import type { LockPrimitives } from "./primitives.ts";
import { unexpectedRefusal } from "./versions.ts";

/** Takes the lock and keeps it, or tells why not. */
export async function tryHold(primitives: LockPrimitives, acquisition: Holding): Promise<Kept | RefusalReply> {
  checkBindable(primitives, acquisition.bounds);
  const acquired = await acquire(primitives, acquisition);
  if (!acquired.success) return acquired;
  const terms = { ...acquisition, claim: acquisition.request };
  return await keep(primitives, acquired, terms, (kept) => kept.release());
}

/** Takes the lock and keeps it, or throws. */
export async function startHold(primitives: LockPrimitives, acquisition: Holding): Promise<Hold> {
  const hold = await tryHold(primitives, acquisition);
  if ("held" in hold) return hold;
  throw refused(primitives, acquisition, hold);
}

/** Takes over a lease that was granted elsewhere. */
export async function resume(primitives: LockPrimitives, lease: number, bounds: HoldBounds): Promise<HeldLease> {
  checkBindable(primitives, bounds);
  const renewal = await renewOnce(primitives, lease, Math.min(bounds.ttl, bounds.maxHold));
  if ("lost" in renewal) throw new LeaseLostError(renewal.lost, lease, lossMessage(renewal.lost, lease));
  // Not released if it can't be bound: it was live before, and whoever took it over can try again.
  const terms = { bounds, claim: AT_LEAST };
  return (await keep(primitives, { lease, ...renewal }, terms, async ({ keepAlive }) => keepAlive.stop())).held;
}

/**
 * Who asks for crash release must not believe in it without having it: what can't be bound is given up. So is what was
 * granted to a caller who has aborted since.
 */
async function keep(
  primitives: LockPrimitives,
  granted: Granted,
  { bounds, claim, signal }: Pick<Holding, "bounds"> & { claim: Claim; signal?: AbortSignal | undefined },
  giveUp: (kept: Kept) => Promise<unknown>,
): Promise<Kept> {
  const hold = holdLease(primitives, granted, bounds);
  noteHold(primitives.key, granted.lease, claim, hold.keepAlive);
  // A hold that is given up is bound no further.
  const onAbort = () => void giveUp(hold).catch(() => {});
  signal?.addEventListener("abort", onAbort);
  try {
    signal?.throwIfAborted();
    if (bounds.bound) await bindLease(primitives, hold);
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

type Asked = Pick<LockPrimitives, "id" | "key">;

export function refused({ id, key }: Asked, { request }: Acquisition, refusal: RefusalReply): LockError {
  const { reason, retryAfter, share } = refusal;
  switch (reason) {
    case "QUEUE_FULL":
      return new LockError(
        reason,
        share
          ? `On lock "${id}" this token has its share of the queue (${LIMITS.maxWaitersPerToken} waiters): shed load.`
          : `Lock "${id}" has as many waiters as it admits (${LIMITS.maxWaiters}): shed load.`,
      );
    case "TOO_MANY_LEASES":
      return new LockError(
        reason,
        share
          ? `On lock "${id}" this token has its share of the leases (${LIMITS.maxLeasesPerToken} live ones): split it.`
          : `Lock "${id}" has as many live leases as it admits (${LIMITS.maxLeases}): split it.`,
      );
    case "FINGERPRINT_MISMATCH":
      return new LockError(reason, `Job "${id}" has another payload: the same key was used for two different things.`);
    case "RESULT_NOT_CLONEABLE":
      // Of an acquire only a transport says so: the job ran for a caller who could carry more.
      return new LockError(
        reason,
        `Job "${id}" has run, but its result can't be carried as JSON: read it in a Worker.`,
      );
    case "NO_LONGER_VALID":
      return new LockError(
        "UNREACHABLE",
        `Lock "${id}" was granted, but the reply came after the lease had ended: try again.`,
      );
    case "BORROWED":
      return new LockError("LOCK_TIMEOUT", timeoutMessage({ id, key }, request, retryAfter), { retryAfter });
    default:
      return unexpectedRefusal(refusal);
  }
}

function timeoutMessage({ id, key }: Asked, request: LockRequest, retryAfter: number | undefined): string {
  const { wait, once } = request;
  const what =
    once === undefined
      ? `Lock "${id}" was not granted within ${wait} ms`
      : `Job "${id}" has no result within ${wait} ms: it still runs`;
  const since = inItsOwnWaySince(key, request, wait);
  if (since !== undefined) return `${what}. ${selfMessage(since)}`;
  if (once !== undefined) return `${what}. Raise wait, or ask again.`;
  const until = retryAfter === undefined ? "" : ` The present lease ends in ${retryAfter} ms unless it is renewed.`;
  // Name no other id: an isolate serves many users.
  const together = holdsAnother(key) ? ` ${TOGETHER}` : "";
  return `${what}.${until} Raise wait, or use tryWithLock to skip when it is taken.${together}`;
}

const TOGETHER =
  "This process holds another lock: callers that wait for each other's locks must take them together, with withLocks.";

function selfMessage(since: number): string {
  const held = `This process has held it itself since ${new Date(since).toISOString()}.`;
  return `${held} If you ask under that hold, you wait for yourself: pass \`held\` on instead of nesting. Otherwise raise wait.`;
}
