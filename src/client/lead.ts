import { checkOptions } from "../core/limits.ts";
import { isLockError } from "../errors.ts";
import { everything } from "./claims.ts";
import { createLock } from "./create-lock.ts";
import type { HeldLease } from "./held-lease.ts";
import type { Lock } from "./lock.ts";
import { type HoldOptions, checkHold, checkWork } from "./options.ts";
import { DEFAULT_BACKOFF, fullJitter } from "./retry.ts";
import { sleep } from "./time-box.ts";

/** How to stand for election. */
export interface LeadOptions extends Pick<HoldOptions, "ttl" | "owner" | "bound" | "lockDelay"> {
  /** Ends it all: the candidate leaves the line, the leader's `signal` fires and it resigns once `fn` has settled. */
  signal?: AbortSignal;
}

const OPTIONS = ["ttl", "owner", "bound", "lockDelay", "signal"] as const satisfies (keyof LeadOptions)[];

/** A term of leadership. */
export interface Leadership {
  /** The number of the term, which is the lease number: it grows with each leader, so it serves as the fencing token. */
  readonly term: number;
  /** Fires when leadership ends: lost (a `LeaseLostError`), resigned, asked for by `requestRelease`, or aborted. */
  readonly signal: AbortSignal;
  /** Steps down, and stands again at the end of the line once `fn` has settled. */
  readonly resign: () => void;
}

/** What a leader does. */
export type Lead<T> = (leadership: Leadership) => T | PromiseLike<T>;

/**
 * Stands for election by the lock, and runs `fn` for as long as it leads.
 *
 * Candidates lead in the order in which they came. When leadership is lost, given up by `resign`, or asked for by
 * `requestRelease`, `signal` fires; once `fn` has settled, whatever it came to, the candidate stands again. When `fn`
 * settles while it still leads, that is the end: the lock is released and the call settles alike. An outage does not end
 * the candidacy.
 *
 * Two leaders can overlap only if the old one does not heed its `signal` (it may be paused): let the resource check
 * `term` where that would hurt.
 *
 * @throws what `fn` throws while it leads; the reason of `options.signal`; `INVALID_ARGUMENT`.
 * @example
 * ```ts
 * await lead(useDurableLock(env.DURABLE_LOCK, "scheduler"), async ({ signal, term }) => {
 *   while (!signal.aborted) await runDueJobs({ signal, term });
 * }, { signal: shutdown });
 * ```
 */
export async function lead<T>(lock: Lock, fn: Lead<T>, options?: LeadOptions): Promise<T> {
  checkWork(fn);
  const checked = checkOptions(options, OPTIONS) as LeadOptions;
  checkHold(checked, everything);
  // Whatever kind of lock it is: there is one leader.
  const exclusive = createLock(lock.primitives);
  for (;;) {
    const led = await leadOnce(exclusive, fn, checked);
    if (led) return led.value;
  }
}

/** One term; undefined if it ended before `fn` did. */
async function leadOnce<T>(
  lock: Lock,
  fn: Lead<T>,
  { signal, ...options }: LeadOptions,
): Promise<{ value: T } | undefined> {
  const resignation = new AbortController();
  const resign = () => resignation.abort(new DOMException("The leader resigned.", "AbortError"));
  const held = await campaign(lock, { ...options, onReleaseRequested: resign, ...(signal && { signal }) });
  const ended = AbortSignal.any([held.signal, resignation.signal, ...(signal ? [signal] : [])]);
  let value: T;
  try {
    value = await fn({ term: held.lease, signal: ended, resign });
  } catch (error) {
    const over = held.isLost() || ended.aborted;
    await held.release().catch(() => {});
    signal?.throwIfAborted();
    if (over) return undefined;
    throw error;
  }
  const over = held.isLost() || ended.aborted;
  // Nobody knows whether a release that was not answered came through; the lease was live by the local clock.
  const stillLed = await held.release().catch(() => true);
  signal?.throwIfAborted();
  return over || !stillLed ? undefined : { value };
}

/** Waits in line for as long as it takes; an outage is waited out. */
async function campaign(lock: Lock, options: HoldOptions): Promise<HeldLease> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await lock.hold({ ...options, wait: Number.POSITIVE_INFINITY });
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!isLockError(error) || error.code === "INVALID_ARGUMENT") throw error;
      await sleep(fullJitter(attempt, DEFAULT_BACKOFF), options.signal);
    }
  }
}
