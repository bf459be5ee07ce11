import type { LockPrimitives } from "../client/primitives.ts";
import { failureOf, isWorthWaitingOut } from "../client/outage.ts";
import { ANSWER_WITHIN, callObject } from "../client/retry.ts";
import { LIMITS } from "../core/limits.ts";
import type { AcquireReply } from "../core/replies.ts";
import type { LockRequest } from "../core/request.ts";
import { isLockError } from "../errors.ts";
import { refused, unreachable, unreachableInLine } from "./refused.ts";

/** A request that has waited for so long was parked, in milliseconds. */
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

/** What the client is told of a call that failed. */
function problemOf(error: unknown, ofOutage: typeof unreachable): unknown {
  if (isLockError(error, "UNREACHABLE")) return ofOutage(error);
  return isLockError(error, "VERSION_MISMATCH") ? refused("VERSION_MISMATCH", error.message) : error;
}

/**
 * Asks for the lock. A request that was parked when its object failed is not repeated here but answered 503: its client
 * knows how many are in line, and when to come back so that they don't all come at once.
 */
export async function askedInLine(primitives: LockPrimitives, request: LockRequest): Promise<AcquireReply> {
  const { wait, waited, longPoll = LIMITS.slice } = request;
  if (wait === 0) return asked(primitives, (signal) => primitives.acquire(request, signal));
  const since = performance.now();
  const call = async (signal: AbortSignal) => {
    const more = Math.round(performance.now() - since);
    try {
      // Whoever is asked for a second time has waited for longer: its place depends on it.
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
