import { type LockErrorCode, isLockError } from "../errors.ts";
import type { HeldLease } from "../hold/held-lease.ts";
import { startHold } from "../hold/start-hold.ts";
import { checkWork } from "../hold/work.ts";
import { DEFAULT_BACKOFF, fullJitter } from "../transport/backoff.ts";
import { pauseAfter } from "../transport/call.ts";
import { inOwnRequest } from "../transport/own-request.ts";
import { sleep } from "../transport/time-box.ts";
import { type Lock, checkLock } from "./lock.ts";
import { everything } from "./options/claim-rule.ts";
import { type HoldOptions, checkCombined, holdingOf } from "./options/hold-options.ts";
import { LEAD_OPTIONS } from "./options/option-names.ts";

/** How to stand for election. */
export interface LeadOptions extends Pick<HoldOptions, (typeof LEAD_OPTIONS)[number]> {
  /**
   * Ends the candidacy: a candidate leaves the queue; a leader's `signal` fires, and it resigns once `fn` has settled.
   *
   * @default none
   */
  signal?: AbortSignal;
}

/** A term of leadership. */
export interface Leadership {
  /** The number of the term: the lease number. It increases with each leader, so it serves as the fencing token. */
  readonly term: number;
  /** Fires when leadership ends: it is lost (a `LeaseLostError`), resigned, ended by `requestRelease`, or aborted. */
  readonly signal: AbortSignal;
  /** Whether leadership has ended. Checks the clock: after a pause, another timer may run before the signal's. */
  readonly hasEnded: () => boolean;
  /** Steps down. Once `fn` has settled, the candidate joins the end of the queue again. */
  readonly resign: () => void;
}

/** What a leader does. */
export type LeaderWork<T> = (leadership: Leadership) => T | PromiseLike<T>;

/**
 * Stands for election through the lock, and runs `fn` while it leads.
 *
 * Candidates lead one at a time, with any kind of lock, in the order in which they came. `signal` fires when leadership
 * is lost, given up with `resign`, or ended by `requestRelease`. Once `fn` has then settled, with a value or an error,
 * the candidate stands again: at once, or, while its terms last less than 5 s, after a growing pause of up to 5 s. If
 * `fn` settles while it still leads, the candidacy ends: the lock is released and the call settles like `fn`. An outage
 * does not end the candidacy, but after more than 60 s of it a candidate loses its queue entry.
 *
 * Two leaders can overlap only if the old one does not obey its `signal`, for example because it is paused. Where that
 * would do harm, let the resource check `term`.
 *
 * @throws what `fn` throws while it leads; the reason of `options.signal`; `INVALID_ARGUMENT`, `VERSION_MISMATCH`; over
 * HTTP `ACCESS_DENIED`.
 * @example
 * ```ts
 * await lead(useDurableLock(env.DURABLE_LOCK, "scheduler"), async ({ signal, term }) => {
 *   while (!signal.aborted) await runDueJobs({ signal, term });
 * }, { signal: shutdown });
 * ```
 */
export async function lead<T>(lock: Lock, fn: LeaderWork<T>, options?: LeadOptions): Promise<T> {
  checkLock(lock);
  checkWork(fn);
  const checked = checkCombined(options, LEAD_OPTIONS);
  for (let short = 0; ;) {
    const term = await leadOnce(lock, fn, checked);
    if ("value" in term) return term.value;
    // A leader that resigns as soon as it is elected must not be elected again and again without a pause.
    short = term.lasted < SHORT_TERM ? short + 1 : 0;
    if (short > 0) await sleep(fullJitter(short, DEFAULT_BACKOFF), checked.signal);
  }
}

const LEADERSHIP = "This leadership";

/** A term that lasts less than this, in milliseconds, is followed by a pause. */
const SHORT_TERM = 5_000;

/** Leads for one term. Returns the value of `fn`, or how long the term lasted if it ended before `fn` settled. */
async function leadOnce<T>(
  lock: Lock,
  fn: LeaderWork<T>,
  options: LeadOptions,
): Promise<{ value: T } | { lasted: number }> {
  const end = new AbortController();
  const resign = () =>
    inOwnRequest(end.signal, LEADERSHIP, () => end.abort(new DOMException("The leader resigned.", "AbortError")));
  const held = await campaign(lock, { ...options, onReleaseRequested: resign });
  const since = performance.now();
  const unfollow = [held.signal, options.signal].map((signal) => follow(signal, end));
  const hasEnded = () => held.isLost() || end.signal.aborted;
  const leadership: Leadership = {
    term: held.lease,
    get signal() {
      return inOwnRequest(end.signal, LEADERSHIP, () => end.signal);
    },
    hasEnded,
    resign,
  };
  try {
    const settled = hasEnded() ? undefined : await settle(fn, leadership);
    const ledThroughout = !hasEnded();
    // If the release gets no answer, its outcome is unknown. By the local clock, the lease was live.
    const wasLive = await held.release().catch(() => true);
    if (settled && ledThroughout && wasLive) {
      if ("value" in settled) return settled;
      throw settled.error;
    }
    return { lasted: performance.now() - since };
  } finally {
    for (const stop of unfollow) stop();
  }
}

async function settle<T>(fn: LeaderWork<T>, leadership: Leadership): Promise<{ value: T } | { error: unknown }> {
  try {
    return { value: await fn(leadership) };
  } catch (error) {
    return { error };
  }
}

/**
 * Used instead of `AbortSignal.any`: the candidate's signal outlives its terms, and must not collect their followers.
 */
function follow(signal: AbortSignal | undefined, end: AbortController): () => void {
  const onAbort = () => end.abort(signal?.reason);
  if (signal?.aborted) onAbort();
  else signal?.addEventListener("abort", onAbort);
  return () => signal?.removeEventListener("abort", onAbort);
}

/** The errors that every further try would get again. */
const HOPELESS = new Set<LockErrorCode>(["INVALID_ARGUMENT", "VERSION_MISMATCH", "ACCESS_DENIED", "WRONG_REQUEST"]);

/** Waits in the queue for as long as it takes, and waits out outages. */
async function campaign({ primitives }: Lock, options: HoldOptions): Promise<HeldLease> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const holding = holdingOf({ ...options, wait: Number.POSITIVE_INFINITY }, everything);
      return (await startHold(primitives, holding)).held;
    } catch (error) {
      if (!isLockError(error) || HOPELESS.has(error.code)) throw error;
      await sleep(pauseAfter(error, attempt), options.signal);
    }
  }
}
