import pRetry from "p-retry";
import { DEFAULT_BACKOFF, fullJitter } from "./backoff.ts";
import { type Callee, failureOf, isWorthRetrying, noAnswer, retryAfterOf } from "./outage.ts";
import { sleep, timeBox, TIMED_OUT } from "./time-box.ts";

/** How long the object may take to answer a call, repetitions included, in milliseconds. */
export const ANSWER_WITHIN = 5_000;

/** Where a call is bounded. */
interface Bounds extends Callee {
  /** All attempts together, in milliseconds. */
  within: number;
  signal?: AbortSignal | undefined;
  /** Called with each fault as it happens: a call that the caller aborts can't report why it failed. */
  onFault?: ((fault: unknown) => void) | undefined;
}

/**
 * Calls the object and repeats the call after a fault that is worth it, all within `within` ms.
 *
 * Each attempt must carry the same request id. It gets a signal that fires when the call settles, so that a
 * request without a waiting caller is cancelled. If a fault remains, or the object does not answer, this throws
 * `UNREACHABLE` with the last fault as its cause: no caller can mistake that for contention. If the service sends
 * `Retry-After`, the next attempt waits that long; if that is too late, this throws `RATE_LIMITED` at once for a rate
 * limit, else `UNREACHABLE`. A method that the object lacks is a `VERSION_MISMATCH`.
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
    // The abort and the fault may have come at once: a caller that aborts must get the reason of its abort.
    signal?.throwIfAborted();
    throw failureOf(bounds, error);
  } finally {
    giveUp.abort();
  }
  throw fault === undefined ? noAnswer(bounds, within) : failureOf(bounds, fault);
}

/** The longest `Retry-After` to obey, in milliseconds: a limit of hours may end sooner. */
const LONGEST_PAUSE = 60_000;

/** The delay before asking again after a call that failed for good, for a caller that waits out an outage. */
export function pauseAfter(error: unknown, attempt: number): number {
  return Math.min(LONGEST_PAUSE, retryAfterOf(error)) + fullJitter(attempt, DEFAULT_BACKOFF);
}
