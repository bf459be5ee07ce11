import pRetry from "p-retry";
import { LockError, isLockError } from "../errors.ts";
import { TIMED_OUT, sleep, timeBox } from "./time-box.ts";
import { missingMethod } from "./versions.ts";

/** How long the object may take to answer a call, repetitions included, in milliseconds. */
export const ANSWER_WITHIN = 5_000;

/** How attempts are spaced: exponential backoff with full jitter. */
export interface Backoff {
  /** The bound of the first delay, in milliseconds. @default 50 */
  minTimeout: number;
  /** The bound of every delay, in milliseconds. @default 5000 */
  maxTimeout: number;
  /** What the bound grows by. @default 2 */
  factor: number;
}

export const DEFAULT_BACKOFF: Backoff = { minTimeout: 50, maxTimeout: 5_000, factor: 2 };

/**
 * The delay before the next attempt: anything up to an exponentially growing bound.
 *
 * Full jitter, after Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015: it spreads callers
 * that failed together further apart than any fixed part plus jitter does.
 */
export function fullJitter(attempt: number, { minTimeout, maxTimeout, factor }: Backoff): number {
  return Math.random() * Math.min(maxTimeout, minTimeout * factor ** (attempt - 1));
}

/** Where a call is bounded. */
interface Bounds {
  /** The lock's id, for the error's message. */
  id: string;
  /** All attempts together, in milliseconds. */
  within: number;
  signal?: AbortSignal | undefined;
}

/**
 * Calls the object and repeats the call after a fault that is worth it, all within `within` ms.
 *
 * Each attempt must carry the same request id. A fault that remains, and an object that does not answer, is thrown as
 * `UNREACHABLE`: never to be mistaken for contention. A method that the object lacks is a `VERSION_MISMATCH`.
 */
export async function callObject<T>(call: () => Promise<T>, { id, within, signal }: Bounds): Promise<T> {
  const giveUp = new AbortController();
  const retried = pRetry(call, {
    retries: Number.POSITIVE_INFINITY,
    maxRetryTime: within,
    // The delay is slept below: p-retry's own jitter only lengthens it.
    minTimeout: 0,
    signal: giveUp.signal,
    shouldRetry: async ({ error, attemptNumber }) => {
      if (!isWorthRetrying(error)) return false;
      await sleep(fullJitter(attemptNumber, DEFAULT_BACKOFF), giveUp.signal);
      return true;
    },
  });
  try {
    const reply = await timeBox(retried, within, signal);
    if (reply !== TIMED_OUT) return reply;
  } catch (error) {
    // Both may have come at once: to whoever aborts, the reason is what counts.
    signal?.throwIfAborted();
    if (!isPlatformFault(error as Error)) throw missingMethod(error) ?? error;
    throw unreachable(id, `failed: ${(error as Error).message}`, error);
  } finally {
    giveUp.abort();
  }
  throw unreachable(id, `did not answer within ${Math.round(within)} ms`, undefined);
}

interface PlatformFault {
  retryable?: boolean;
  overloaded?: boolean;
  durableObjectReset?: boolean;
  message?: string;
}

/** The platform's own rule, and a reset besides: every call here is idempotent, so repeating it is safe. */
function isWorthRetrying(error: Error): boolean {
  const { retryable, overloaded } = error as PlatformFault;
  return overloaded !== true && (retryable === true || isReset(error));
}

/** What a call on a handle of an object says that was reset meanwhile (workerd of 2026-08); it has no flag. */
const HANDLE_IS_DEAD = "The execution context which hosts this callback is no longer running.";

function isReset(error: PlatformFault): boolean {
  return error.durableObjectReset === true || error.message === HANDLE_IS_DEAD;
}

function isPlatformFault(error: Error): boolean {
  const { retryable, overloaded } = error as PlatformFault;
  return !isLockError(error) && (retryable === true || overloaded === true || isReset(error));
}

function unreachable(id: string, what: string, cause: unknown): LockError {
  const message = `The object of lock "${id}" ${what}. This is an outage and not contention: try again later.`;
  return new LockError("UNREACHABLE", message, cause === undefined ? {} : { cause });
}
