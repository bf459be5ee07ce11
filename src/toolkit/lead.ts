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
  /** Ends it all: the candidate leaves the line, the leader's `signal` fires and it resigns once `fn` has settled. @default none */
  signal?: AbortSignal;
}

/** A term of leadership. */
export interface Leadership {
  /** The number of the term, which is the lease number: it grows with each leader, so it serves as the fencing token. */
  readonly term: number;
  /** Fires when leadership ends: lost (a `LeaseLostError`), resigned, asked for by `requestRelease`, or aborted. */
  readonly signal: AbortSignal;
  /** Whether leadership has ended, by a fresh look at the clock: after a pause another timer may run before the signal's. */
  readonly hasEnded: () => boolean;
  /** Steps down, and stands again at the end of the line once `fn` has settled. */
  readonly resign: () => void;
}

/** What a leader does. */
export type LeaderWork<T> = (leadership: Leadership) => T | PromiseLike<T>;

/**
 * Stands for election by the lock, and runs `fn` for as long as it leads.
 *
 * Candidates lead one at a time, whatever kind of lock it is, in the order in which they came. When leadership is lost,
 * given up by `resign`, or asked for by `requestRelease`, `signal` fires; once `fn` has settled, whatever it came to, the
 * candidate stands again: at once, or after a pause of up to 5 s that grows while its terms last less than 5 s. When `fn`
 * settles while it still leads, that is the end: the lock is released and the call settles the same way. An outage does
 * not end the candidacy; after one of over 60 s a candidate loses its queue entry.
 *
 * Two leaders can overlap only if the old one does not heed its `signal` (it may be paused): let the resource check
 * `term` where that would hurt.
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

/** In milliseconds. */
const SHORT_TERM = 5_000;

/** One term: what `fn` came to, or how long it lasted if it ended before `fn` did. */
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
  const isOver = () => held.isLost() || end.signal.aborted;
  const leadership: Leadership = {
    term: held.lease,
    get signal() {
      return inOwnRequest(end.signal, LEADERSHIP, () => end.signal);
    },
    hasEnded: isOver,
    resign,
  };
  try {
    const settled = isOver() ? undefined : await settle(fn, leadership);
    const ledThroughout = !isOver();
    // Nobody knows whether a release that was not answered came through; the lease was live by the local clock.
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

/** Not `AbortSignal.any`: a candidate's own signal outlives its terms, and must not gather what follows it. */
function follow(signal: AbortSignal | undefined, end: AbortController): () => void {
  const onAbort = () => end.abort(signal?.reason);
  if (signal?.aborted) onAbort();
  else signal?.addEventListener("abort", onAbort);
  return () => signal?.removeEventListener("abort", onAbort);
}

/** What asking again would get again. */
const HOPELESS = new Set<LockErrorCode>(["INVALID_ARGUMENT", "VERSION_MISMATCH", "ACCESS_DENIED", "WRONG_REQUEST"]);

/** Waits in line for as long as it takes; an outage is waited out. */
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
