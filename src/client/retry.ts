import pRetry from "p-retry";
import { type Callee, failureOf, isWorthRetrying, noAnswer, retryAfterOf } from "./outage.ts";
import { TIMED_OUT, sleep, timeBox } from "./time-box.ts";

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
interface Bounds extends Callee {
  /** All attempts together, in milliseconds. */
  within: number;
  signal?: AbortSignal | undefined;
  /** Called with each fault as it happens: a call that is given up can't tell why it failed. */
  onFault?: ((fault: unknown) => void) | undefined;
}

/**
 * Calls the object and repeats the call after a fault that is worth it, all within `within` ms.
 *
 * Each attempt must carry the same request id. It gets a signal that fires when the call settles, however it does: so a
 * request that nobody waits for any longer is given up. A fault that remains, and an object that does not answer, is thrown as
 * `UNREACHABLE` with the last fault as its cause: never to be mistaken for contention. A service that asks to be asked
 * later is asked later, or `RATE_LIMITED` is thrown at once if that is too late. A method that the object lacks is a
 * `VERSION_MISMATCH`.
 */
export async function callObject<T>(call: (signal: AbortSignal) => Promise<T>, bounds: Bounds): Promise<T> {
  const { within, signal, onFault } = bounds;
  const until = performance.now() + within;
  const giveUp = new AbortController();
  let fault: unknown;
  const retried = pRetry(() => call(giveUp.signal), {
    retries: Number.POSITIVE_INFINITY,
    maxRetryTime: within,
    // The delay is slept below: p-retry's own jitter only lengthens it.
    minTimeout: 0,
    signal: giveUp.signal,
    shouldRetry: async ({ error, attemptNumber }) => {
      fault = error;
      onFault?.(error);
      const after = retryAfterOf(error);
      if (!isWorthRetrying(error) || performance.now() + after > until) return false;
      await sleep(after + fullJitter(attemptNumber, DEFAULT_BACKOFF), giveUp.signal);
      return true;
    },
  });
  try {
    const reply = await timeBox(retried, within, signal);
    if (reply !== TIMED_OUT) return reply;
  } catch (error) {
    // Both may have come at once: to a caller that aborts, the reason is what counts.
    signal?.throwIfAborted();
    throw failureOf(bounds, error);
  } finally {
    giveUp.abort();
  }
  throw fault === undefined ? noAnswer(bounds, within) : failureOf(bounds, fault);
}

/** A pause that a failure asks for is kept up to this, in milliseconds: what is said of hours may change sooner. */
const LONGEST_PAUSE = 60_000;

/** The delay before asking again after a call that failed for good, for a caller that waits out an outage. */
export function pauseAfter(error: unknown, attempt: number): number {
  return Math.min(LONGEST_PAUSE, retryAfterOf(error)) + fullJitter(attempt, DEFAULT_BACKOFF);
}
