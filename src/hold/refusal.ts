import { LIMITS } from "../core/limits.ts";
import type { LimitReachedReply, RefusalReply } from "../core/replies.ts";
import type { LockRequest } from "../core/request.ts";
import { LockError } from "../errors.ts";
import type { LockPrimitives } from "../transport/primitives.ts";
import { unexpectedRefusal } from "../transport/version-mismatch.ts";
import type { Acquisition } from "./acquisition.ts";
import { holdsAnother, inItsOwnWaySince } from "./own-holds.ts";

type NamedLock = Pick<LockPrimitives, "id" | "key">;

/** The error for a refused request. */
export function refused({ id, key }: NamedLock, { request }: Acquisition, refusal: RefusalReply): LockError {
  switch (refusal.reason) {
    case "QUEUE_FULL":
    case "TOO_MANY_LEASES":
      return new LockError(refusal.reason, fullMessage(id, refusal));
    case "FINGERPRINT_MISMATCH":
      return new LockError(
        refusal.reason,
        `Job "${id}" has another payload: the same key was used for two different things.`,
      );
    case "RESULT_NOT_CLONEABLE":
      // Only a transport refuses an acquire like this: the job has run, but this transport can't carry its result.
      return new LockError(
        refusal.reason,
        `Job "${id}" has run, but its result can't be carried as JSON: read it in a Worker.`,
      );
    case "NO_LONGER_VALID":
      return new LockError(
        "UNREACHABLE",
        `Lock "${id}" was granted, but the reply came after the lease had ended: try again.`,
      );
    case "BORROWED":
      return new LockError("LOCK_TIMEOUT", timeoutMessage({ id, key }, request, refusal.retryAfter), {
        retryAfter: refusal.retryAfter,
      });
    default:
      // The other reasons refuse other requests, or come from another version of the object.
      return unexpectedRefusal(refusal);
  }
}

function fullMessage(id: string, { reason, share }: LimitReachedReply): string {
  if (reason === "QUEUE_FULL")
    return share
      ? `On lock "${id}" this token has used up its share of the queue (${LIMITS.maxWaitersPerToken} waiters): shed load.`
      : `Lock "${id}" already has the maximum number of waiters (${LIMITS.maxWaiters}): shed load.`;
  return share
    ? `On lock "${id}" this token has used up its share of the leases (${LIMITS.maxLeasesPerToken} live ones): split the lock.`
    : `Lock "${id}" already has the maximum number of live leases (${LIMITS.maxLeases}): split the lock.`;
}

function timeoutMessage({ id, key }: NamedLock, request: LockRequest, retryAfter: number | undefined): string {
  const { wait, job } = request;
  const what =
    job === undefined
      ? `Lock "${id}" was not granted within ${wait} ms`
      : `Job "${id}" has no result within ${wait} ms: it is still running`;
  const since = inItsOwnWaySince(key, request, wait);
  if (since !== undefined) return `${what}. ${selfMessage(since)}`;
  if (job) return `${what}. Raise wait, or ask again.`;
  const until = retryAfter === undefined ? "" : ` The current lease ends in ${retryAfter} ms unless it is renewed.`;
  // Name no other id: an isolate serves many users.
  const together = holdsAnother(key) ? ` ${TOGETHER}` : "";
  return `${what}.${until} Raise wait, or use tryWithLock to skip when it is taken.${together}`;
}

const TOGETHER =
  "This process holds another lock: callers that wait for each other's locks must take them together, with withLocks.";

function selfMessage(since: number): string {
  const held = `This process itself has held it since ${new Date(since).toISOString()}.`;
  return `${held} If you are inside that hold, you are waiting for yourself: pass \`held\` on instead of nesting. Otherwise raise wait.`;
}
