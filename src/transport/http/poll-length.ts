import { LIMITS } from "../../core/limits.ts";
import { CUT_AFTER } from "../fault.ts";

/**
 * The next poll takes this fraction of the time after which one was cut: its answer needs time, and timers fire late.
 */
const SAFE_PART = 0.8;

/**
 * The time until the next try of the full length, at first and at most, in ms. It doubles after each try that is cut.
 */
const FIRST_PAUSE = 60_000;
const LONGEST_PAUSE = 3_600_000;

/** How many origins a process remembers at most. */
const MOST_ORIGINS = 100;

/**
 * How long a long poll may take on the way to one origin: a proxy may cut a request that waits for longer.
 *
 * A restart of the service also cuts all its connections, so now and then one poll tries the full length again.
 */
export class PollLength {
  #length: number = LIMITS.longPoll;
  #pause = FIRST_PAUSE;
  #tryAgainAt = Number.POSITIVE_INFINITY;
  #isTried = false;

  /** The length of the next poll, in milliseconds. */
  next(): number {
    const now = performance.now();
    if (now < this.#tryAgainAt) return this.#length;
    this.#tryAgainAt = now + this.#pause;
    this.#isTried = true;
    return LIMITS.longPoll;
  }

  /** Notes that a poll was cut `after` ms after it was sent; `after` is more than 5,000. */
  cut(after: number): void {
    // Lengthen the pause only after a failed try: a restart of the service cuts all current polls, and must count only
    // once.
    if (this.#isTried) this.#pause = Math.min(LONGEST_PAUSE, this.#pause * 2);
    this.#isTried = false;
    this.#length = Math.max(CUT_AFTER, Math.min(this.#length, Math.floor(after * SAFE_PART)));
    this.#tryAgainAt = performance.now() + this.#pause;
  }

  /** Notes that a poll of `length` ms got its answer, so polls of that length get through. */
  passed(length: number): void {
    if (length <= this.#length) return;
    this.#length = Math.min(length, LIMITS.longPoll);
    if (this.#length < LIMITS.longPoll) return;
    this.#pause = FIRST_PAUSE;
    this.#isTried = false;
    this.#tryAgainAt = Number.POSITIVE_INFINITY;
  }
}

const byOrigin = new Map<string, PollLength>();

/** The poll length for an origin, shared by all connections of this process that use the global `fetch`. */
export function pollLengthTo(url: string): PollLength {
  const { origin } = new URL(url);
  const known = byOrigin.get(origin) ?? new PollLength();
  byOrigin.delete(origin);
  byOrigin.set(origin, known);
  const [oldest] = byOrigin.keys();
  if (byOrigin.size > MOST_ORIGINS && oldest !== undefined) byOrigin.delete(oldest);
  return known;
}
