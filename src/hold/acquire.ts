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
 * A request that is given up is taken back at the object: it leaves the queue, and a grant that was under way is given
 * back. Only one that failed and was named by its caller is left alone: its caller may want to repeat it.
 */
export async function acquire(primitives: LockPrimitives, acquisition: Acquisition): Promise<Acquired> {
  const { request, signal } = acquisition;
  signal?.throwIfAborted();
  try {
    const acquired = await take(primitives, acquisition);
    // The signal may have fired in the same turn as the grant arrived.
    signal?.throwIfAborted();
    return acquired;
  } catch (error) {
    // After `INVALID_ARGUMENT` the request id may belong to another lease that is still live: don't cancel that one.
    const isToEnd = signal?.aborted && !isLockError(error, "INVALID_ARGUMENT");
    if (isToEnd || !acquisition.named) await takeBack(primitives, request.requestId);
    throw error;
  }
}

function take(primitives: LockPrimitives, acquisition: Acquisition): Promise<Acquired> {
  const { request, poll } = acquisition;
  if (poll) return askAgain(primitives, acquisition, poll);
  return request.wait > 0 ? waitInLine(primitives, acquisition) : ask(primitives, acquisition);
}

/** Asks again after growing delays; keeps no place in the queue. */
async function askAgain(
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

/** Asks without waiting, and repeats the call with the same request id after a fault. */
function ask(primitives: LockPrimitives, { request, signal }: Acquisition): Promise<Acquired> {
  const call = (given: AbortSignal) => askOnce(primitives, { ...request, wait: 0, waited: 0 }, given);
  return callObject(call, { id: primitives.id, url: primitives.url, within: ANSWER_WITHIN, signal });
}

/** How long taking a request back may delay the error that made it necessary, in milliseconds. */
const TAKE_BACK_WITHIN = 1_000;

/** Bounded, and never an error of its own: what it can't take back ends with its ttl. */
async function takeBack(primitives: LockPrimitives, requestId: string): Promise<void> {
  const bounds = { id: primitives.id, url: primitives.url, within: TAKE_BACK_WITHIN };
  await callObject((signal) => primitives.cancel(requestId, signal), bounds).catch(() => {});
}

function elapsed(since: number): number {
  return Math.round(performance.now() - since);
}
