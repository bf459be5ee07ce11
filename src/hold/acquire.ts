import { isLockError } from "../errors.ts";
import { fullJitter } from "../transport/backoff.ts";
import { ANSWER_WITHIN, callObject } from "../transport/call.ts";
import type { LockPrimitives } from "../transport/primitives.ts";
import { sleep } from "../transport/time-box.ts";
import type { Acquisition } from "./acquisition.ts";
import { type Acquired, askOnce } from "./ask-once.ts";
import { waitInLine } from "./waiting/wait-in-line.ts";

/**
 * Takes the lock: at once, in the queue, or by polling.
 *
 * If the request is given up, cancels it at the object: it leaves the queue, and a lease that was granted meanwhile is
 * released. A failed request to which its caller gave the id is not cancelled, because the caller may want to repeat
 * it.
 */
export async function acquire(primitives: LockPrimitives, acquisition: Acquisition): Promise<Acquired> {
  const { request, signal } = acquisition;
  signal?.throwIfAborted();
  try {
    const acquired = await take(primitives, acquisition);
    // The signal may have fired at the moment when the grant arrived.
    signal?.throwIfAborted();
    return acquired;
  } catch (error) {
    // After `INVALID_ARGUMENT` the request id may belong to another lease that is still live: don't cancel that one.
    const mustCancel = signal?.aborted && !isLockError(error, "INVALID_ARGUMENT");
    if (mustCancel || !acquisition.named) await cancelRequest(primitives, request.requestId);
    throw error;
  }
}

function take(primitives: LockPrimitives, acquisition: Acquisition): Promise<Acquired> {
  const { request, poll } = acquisition;
  if (poll) return askRepeatedly(primitives, acquisition, poll);
  return request.wait > 0 ? waitInLine(primitives, acquisition) : ask(primitives, acquisition);
}

/** Polls with growing delays, without a queue entry. */
async function askRepeatedly(
  primitives: LockPrimitives,
  acquisition: Acquisition,
  poll: NonNullable<Acquisition["poll"]>,
): Promise<Acquired> {
  const { request, signal } = acquisition;
  const since = performance.now();
  for (let attempt = 1; ; attempt += 1) {
    const acquired = await ask(primitives, acquisition);
    if (acquired.success || acquired.reason !== "BORROWED" || attempt > poll.retries) return acquired;
    const left = request.wait - elapsed(since);
    if (left <= 0) return acquired;
    await sleep(Math.min(left, fullJitter(attempt, poll)), signal);
  }
}

/** Asks once without waiting. After a fault, repeats the call with the same request id. */
function ask(primitives: LockPrimitives, { request, signal }: Acquisition): Promise<Acquired> {
  const call = (given: AbortSignal) => askOnce(primitives, { ...request, wait: 0, waited: 0 }, given);
  return callObject(call, { id: primitives.id, url: primitives.url, within: ANSWER_WITHIN, signal });
}

/** How long cancelling a request may delay the error that caused it, in milliseconds. */
const CANCEL_WITHIN = 1_000;

/** Bounded in time, and never throws: a lease that it can't cancel ends with its ttl. */
async function cancelRequest(primitives: LockPrimitives, requestId: string): Promise<void> {
  const bounds = { id: primitives.id, url: primitives.url, within: CANCEL_WITHIN };
  await callObject((signal) => primitives.cancel(requestId, signal), bounds).catch(() => {});
}

function elapsed(since: number): number {
  return Math.round(performance.now() - since);
}
