import { LIMITS } from "../../core/limits.ts";
import type { AcquireReply } from "../../core/replies.ts";
import type { LockRequest } from "../../core/request.ts";
import { isLockError } from "../../errors.ts";
import { ANSWER_WITHIN, callObject } from "../../transport/call.ts";
import { failureOf, isWorthWaitingOut } from "../../transport/outage.ts";
import type { LockPrimitives } from "../../transport/primitives.ts";
import { refused, unreachable, unreachableInLine } from "./problem-error.ts";

/** If a request has lasted for so long, it was parked, in milliseconds. */
const WAS_PARKED = 1_000;

/** Calls the lock's object, and repeats the call after a fault that is worth it. */
export async function asked<T>(
  { id }: LockPrimitives,
  call: (signal: AbortSignal) => Promise<T>,
  parked = 0,
): Promise<T> {
  try {
    return await callObject(call, { id, within: parked + ANSWER_WITHIN });
  } catch (error) {
    throw problemOf(error, unreachable);
  }
}

/** What to tell the client about a failed call. */
function problemOf(error: unknown, ofOutage: typeof unreachable): unknown {
  if (isLockError(error, "UNREACHABLE")) return ofOutage(error);
  return isLockError(error, "VERSION_MISMATCH") ? refused("VERSION_MISMATCH", error.message) : error;
}

/**
 * Asks for the lock. If the object fails while the request is parked, the service does not repeat it but answers 503: the
 * client knows how many are in the queue, and spreads its return so that they don't all come at once.
 */
export async function askedInLine(primitives: LockPrimitives, request: LockRequest): Promise<AcquireReply> {
  const { wait, waited, longPoll = LIMITS.longPoll } = request;
  if (wait === 0) return asked(primitives, (signal) => primitives.acquire(request, signal));
  const since = performance.now();
  const call = async (signal: AbortSignal) => {
    const more = Math.round(performance.now() - since);
    try {
      // By the second attempt the caller has waited for longer, and its position in the queue depends on that.
      return await primitives.acquire({ ...request, waited: waited + more }, signal);
    } catch (cause) {
      if (performance.now() - since >= WAS_PARKED && isWorthWaitingOut(cause)) throw failureOf(primitives, cause);
      throw cause;
    }
  };
  try {
    return await callObject(call, { id: primitives.id, within: Math.min(wait, longPoll) + ANSWER_WITHIN });
  } catch (error) {
    throw problemOf(error, unreachableInLine);
  }
}
