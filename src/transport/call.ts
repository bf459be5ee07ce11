import pRetry from "p-retry";
import { DEFAULT_BACKOFF, fullJitter } from "./backoff.ts";
import { type Callee, failureOf, isWorthRetrying, noAnswer, retryAfterOf } from "./outage.ts";
import { sleep, timeBox, TIMED_OUT } from "./time-box.ts";

/** How long the object may take to answer a call, including retries, in milliseconds. */
export const ANSWER_WITHIN = 5_000;

/** The limits of a call. */
interface Bounds extends Callee {
  /** The time for all attempts together, in milliseconds. */
  within: number;
  signal?: AbortSignal | undefined;
  /** Called with each fault as it happens: a call that the caller aborts can't report why it failed. */
  onFault?: ((fault: unknown) => void) | undefined;
}

/**
 * Calls the object, and retries after a fault that is worth a retry, within `within` ms in all.
 *
 * Each attempt must carry the same request id. It gets a signal that fires when this gives up, so that a request without
 * a waiting caller is cancelled. If a fault remains, or the object does not answer, this throws `UNREACHABLE`
 * with the last fault as its cause, so that a caller can't mistake an outage for contention. If the service sends
 * `Retry-After`, the next attempt waits that long. If that is too late, this throws at once: `RATE_LIMITED` for a rate
 * limit, else `UNREACHABLE`. If the object lacks the method, this throws `VERSION_MISMATCH`.
 */
export async function callObject<T>(call: (signal: AbortSignal) => Promise<T>, bounds: Bounds): Promise<T> {
  const { within, signal, onFault } = bounds;
  const until = performance.now() + within;
  const giveUp = new AbortController();
  let fault: unknown;
  const attempt = async () => call(giveUp.signal);
  // Most calls succeed at once: only a failure brings in the machinery of retries.
  const first = attempt();
  const retry = () =>
    pRetry((attemptNumber) => (attemptNumber === 1 ? first : attempt()), {
      retries: Number.POSITIVE_INFINITY,
      maxRetryTime: within,
      // `shouldRetry` sleeps for the delay, because p-retry's own jitter can only lengthen one.
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
    const reply = await timeBox(first.catch(retry), within, signal);
    // Not aborted: nothing is still under way, and an abort would cost more than the rest of this function.
    if (reply !== TIMED_OUT) return reply;
  } catch (error) {
    giveUp.abort();
    // The abort and the fault may come at the same time: a caller that aborts must get the reason of its abort.
    signal?.throwIfAborted();
    throw failureOf(bounds, error);
  }
  giveUp.abort();
  throw fault === undefined ? noAnswer(bounds, within) : failureOf(bounds, fault);
}

/** The longest `Retry-After` to obey, in milliseconds: a limit of hours may end sooner. */
const LONGEST_PAUSE = 60_000;

/** How long a caller that waits out an outage pauses after a failed call before the next one. */
export function pauseAfter(error: unknown, attempt: number): number {
  return Math.min(LONGEST_PAUSE, retryAfterOf(error)) + fullJitter(attempt, DEFAULT_BACKOFF);
}
