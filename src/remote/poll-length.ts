import { CUT_AFTER } from "../client/fault.ts";
import { LIMITS } from "../core/limits.ts";

/** How much of the time after which a poll was cut the next may take: its answer must travel, and timers are late. */
const SAFE_PART = 0.8;
/** When a longer poll is tried again: at first, and at most, in milliseconds. Twice as long after each that is cut. */
const FIRST_PAUSE = 60_000;
const LONGEST_PAUSE = 3_600_000;
/** Origins that are remembered at most. */
const MOST_ORIGINS = 100;

/**
 * How long a long poll may take on the way to one origin: a proxy may cut a request that waits for longer.
 *
 * A service that is restarted cuts all its connections too, so the full length is tried again now and then, by one poll
 * at a time.
 */
export class PollLength {
  #length: number = LIMITS.slice;
  #pause = FIRST_PAUSE;
  #tryAgainAt = Number.POSITIVE_INFINITY;
  #isTried = false;

  /** For the next poll, in milliseconds. */
  next(): number {
    const now = performance.now();
    if (now < this.#tryAgainAt) return this.#length;
    this.#tryAgainAt = now + this.#pause;
    this.#isTried = true;
    return LIMITS.slice;
  }

  /** Takes note that a poll was cut so many milliseconds after it was sent, which are more than 5,000. */
  cut(after: number): void {
    // Only for a try: when a service is restarted, all the polls that are under way are cut.
    if (this.#isTried) this.#pause = Math.min(LONGEST_PAUSE, this.#pause * 2);
    this.#isTried = false;
    this.#length = Math.max(CUT_AFTER, Math.min(this.#length, Math.floor(after * SAFE_PART)));
    this.#tryAgainAt = performance.now() + this.#pause;
  }

  /** Takes note that a poll was answered after so many milliseconds, which therefore get through. */
  passed(length: number): void {
    if (length <= this.#length) return;
    this.#length = Math.min(length, LIMITS.slice);
    if (this.#length < LIMITS.slice) return;
    this.#pause = FIRST_PAUSE;
    this.#isTried = false;
    this.#tryAgainAt = Number.POSITIVE_INFINITY;
  }
}

const byOrigin = new Map<string, PollLength>();

/** What is known of the way to an origin, by everybody in this process who uses the global `fetch`. */
export function pollLengthTo(url: string): PollLength {
  const { origin } = new URL(url);
  const known = byOrigin.get(origin) ?? new PollLength();
  byOrigin.delete(origin);
  byOrigin.set(origin, known);
  const [oldest] = byOrigin.keys();
  if (byOrigin.size > MOST_ORIGINS && oldest !== undefined) byOrigin.delete(oldest);
  return known;
}
