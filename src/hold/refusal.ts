import { LIMITS } from "../core/limits.ts";
import type { LimitReachedReply, RefusalReply } from "../core/replies.ts";
import type { LockRequest } from "../core/request.ts";
import { LockError } from "../errors.ts";
import type { LockPrimitives } from "../transport/primitives.ts";
import { unexpectedRefusal } from "../transport/version-mismatch.ts";
import type { Acquisition } from "./acquisition.ts";
import { holdsAnother, inItsOwnWaySince } from "./own-holds.ts";

type Asked = Pick<LockPrimitives, "id" | "key">;

export function refused({ id, key }: Asked, { request }: Acquisition, refusal: RefusalReply): LockError {
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
      // Of an acquire only a transport says so: the job ran for a caller who could carry more.
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
      // What is not asked for here, and what only another version of the object answers.
      return unexpectedRefusal(refusal);
  }
}

function fullMessage(id: string, { reason, share }: LimitReachedReply): string {
  if (reason === "QUEUE_FULL")
    return share
      ? `On lock "${id}" this token has its share of the queue (${LIMITS.maxWaitersPerToken} waiters): shed load.`
      : `Lock "${id}" has as many waiters as it admits (${LIMITS.maxWaiters}): shed load.`;
  return share
    ? `On lock "${id}" this token has its share of the leases (${LIMITS.maxLeasesPerToken} live ones): split it.`
    : `Lock "${id}" has as many live leases as it admits (${LIMITS.maxLeases}): split it.`;
}

function timeoutMessage({ id, key }: Asked, request: LockRequest, retryAfter: number | undefined): string {
  const { wait, job } = request;
  const what =
    job === undefined
      ? `Lock "${id}" was not granted within ${wait} ms`
      : `Job "${id}" has no result within ${wait} ms: it still runs`;
  const since = inItsOwnWaySince(key, request, wait);
  if (since !== undefined) return `${what}. ${selfMessage(since)}`;
  if (job) return `${what}. Raise wait, or ask again.`;
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
