import { LIMITS } from "../../core/limits.ts";
import type { AcquireReply } from "../../core/replies.ts";
import type { LockRequest } from "../../core/request.ts";
import { isLockError } from "../../errors.ts";
import { ANSWER_WITHIN, callObject } from "../../transport/call.ts";
import { failureOf, isWorthWaitingOut } from "../../transport/outage.ts";
import type { LockPrimitives } from "../../transport/primitives.ts";
import { refused, unreachable, unreachableInLine } from "./problem-error.ts";

/** A request that has lasted this long was parked, in milliseconds. */
const WAS_PARKED = 1_000;

/** Calls the lock's object, and repeats the call after a fault if a retry can help. */
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
 * Asks for the lock. If the object fails while the request is parked, the service answers 503 and leaves the retry to
 * the client. The client knows the length of the queue, and the longer the queue, the later it retries, so the
 * waiters do not all return at once.
 */
export async function askedInLine(primitives: LockPrimitives, request: LockRequest): Promise<AcquireReply> {
  const { wait, waited, longPoll = LIMITS.longPoll } = request;
  if (wait === 0) return asked(primitives, (signal) => primitives.acquire(request, signal));
  const since = performance.now();
  let attempts = 0;
  const call = async (signal: AbortSignal) => {
    // The first attempt passes `waited` on unchanged: a restarted object would take a newcomer that claims even 1 ms
    // for a caller that comes back. By the second attempt the caller has waited longer, at least 1 ms, and its position
    // in the queue depends on that time.
    const more = attempts++ === 0 ? 0 : Math.max(1, Math.round(performance.now() - since));
    try {
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
