import { LIMITS } from "../core/limits.ts";
import type { GrantReply, RefusalReply } from "../core/replies.ts";
import { isLockError } from "../errors.ts";
import type { Acquisition } from "./options.ts";
import type { LockPrimitives } from "./primitives.ts";
import { ANSWER_WITHIN, callObject, fullJitter } from "./retry.ts";
import { sleep } from "./time-box.ts";
import { unexpectedRefusal } from "./versions.ts";

/** A lease with the instant until which it surely lasts, by the local clock. */
export interface Grant extends GrantReply {
  validUntil: number;
}

/** What a request for the lock came to. */
export type Acquired = Grant | RefusalReply;

/**
 * Takes the lock: at once, in the queue, or by polling.
 *
 * A request that is given up is taken back at the object: it leaves the queue, and a grant that was under way is given
 * back. Only one that failed and was named by its caller is left alone: its caller may want to repeat it.
 */
export async function acquire(primitives: LockPrimitives, acquisition: Acquisition): Promise<Acquired> {
  const { request, signal, poll } = acquisition;
  signal?.throwIfAborted();
  try {
    const acquired = await (poll ? askAgain(primitives, acquisition, poll) : waitInLine(primitives, acquisition));
    // The signal may have fired in the same turn as the grant arrived.
    signal?.throwIfAborted();
    return acquired;
  } catch (error) {
    // A name that was refused as an argument may be that of a lease that goes on.
    const isToEnd = signal?.aborted && !isLockError(error, "INVALID_ARGUMENT");
    if (isToEnd || !acquisition.named) await takeBack(primitives, request.requestId);
    throw error;
  }
}

/** Waits slice by slice until granted, refused for good, or out of time. */
async function waitInLine(primitives: LockPrimitives, { request, signal }: Acquisition): Promise<Acquired> {
  const since = performance.now();
  for (let waited = 0; ; waited = elapsed(since)) {
    const wait = waited === 0 ? request.wait : Math.max(1, request.wait - waited);
    const acquired = await ask(primitives, { request: { ...request, wait, waited }, signal, since });
    const slicesLeft = wait > LIMITS.slice;
    if (acquired.success || acquired.reason !== "BORROWED" || !slicesLeft) return acquired;
  }
}

/** Asks again after growing delays; keeps no place in the queue. */
async function askAgain(
  primitives: LockPrimitives,
  { request, signal }: Acquisition,
  poll: NonNullable<Acquisition["poll"]>,
): Promise<Acquired> {
  const since = performance.now();
  for (let attempt = 1; ; attempt += 1) {
    const acquired = await ask(primitives, { request: { ...request, wait: 0, waited: 0 }, signal, since });
    if (acquired.success || acquired.reason !== "BORROWED" || attempt > poll.retries) return acquired;
    const left = request.wait - elapsed(since);
    if (left <= 0) return acquired;
    await sleep(Math.min(left, fullJitter(attempt, poll)), signal);
  }
}

/** One call, repeated with the same request id after a fault; what is granted counts from before that call left. */
async function ask(
  primitives: LockPrimitives,
  { request, signal, since }: Pick<Acquisition, "request" | "signal"> & { since: number },
): Promise<Acquired> {
  let attempts = 0;
  const call = async (given: AbortSignal): Promise<Acquired> => {
    // A repetition has waited longer; the first one says exactly what it was given, for the sake of order.
    const waited = attempts++ === 0 ? request.waited : elapsed(since);
    const wait = Math.max(Math.min(1, request.wait), request.wait - (waited - request.waited));
    const left = performance.now();
    const reply = await primitives.acquire({ ...request, wait, waited }, given);
    if (!reply.success) return reply;
    // It can't have begun later than now: by a clock that was put forward while this waited, it would last for longer.
    const validFor = Math.min(reply.validFor, performance.now() - left + request.ttl);
    return { ...reply, validFor, validUntil: left + validFor };
  };
  const within = Math.min(request.wait, LIMITS.slice) + ANSWER_WITHIN;
  const acquired = await callObject(call, { id: primitives.id, url: primitives.url, within, signal });
  if (!acquired.success && acquired.reason === "INVALID_ARGUMENT") throw unexpectedRefusal(acquired);
  return acquired;
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
