import { LockError } from "../errors.ts";
import type { Claim } from "./leases/lease.ts";
import { LIMITS } from "./limits.ts";

const encoder = new TextEncoder();

/** The error to throw for a bad argument. */
export function invalid(argument: string, message: string, cause?: unknown): LockError {
  return new LockError("INVALID_ARGUMENT", message, { argument, cause });
}

function shown(value: unknown): string {
  if (typeof value === "string")
    return value.length > 40 ? `a string of ${value.length} characters` : JSON.stringify(value);
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") return String(value);
  return value === null ? "null" : `a value of type ${typeof value}`;
}

function isWholeNumber(value: unknown, min: number, max: number): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max;
}

/** Checks a duration: at least 1 ms, at most a day. */
export function checkDuration(value: unknown, argument: string): number {
  if (isWholeNumber(value, 1, LIMITS.maxTtl)) return value;
  throw invalid(
    argument,
    `${argument} must be a whole number of milliseconds from 1 to ${LIMITS.maxTtl} (1 day), got ${shown(value)}.`,
  );
}

/** Checks a duration of at most a day; 0 means none. */
export function checkDurationOrZero(value: unknown, argument: string): number {
  if (isWholeNumber(value, 0, LIMITS.maxTtl)) return value;
  throw invalid(
    argument,
    `${argument} must be a whole number of milliseconds from 0 to ${LIMITS.maxTtl} (1 day), got ${shown(value)}.`,
  );
}

/** Checks the longest time that a lease may be held: a duration, or `Infinity` for no limit. */
export function checkMaxHold(value: unknown): number {
  if (value === Infinity || isWholeNumber(value, 1, LIMITS.maxTtl)) return value;
  throw invalid(
    "maxHold",
    `maxHold must be a whole number of milliseconds from 1 to ${LIMITS.maxTtl} (1 day), or Infinity for no limit, got ${shown(value)}.`,
  );
}

/** Checks how long the result of a job is kept. */
export function checkRetain(value: unknown): number {
  if (isWholeNumber(value, 1, LIMITS.maxRetain)) return value;
  throw invalid(
    "retain",
    `retain must be a whole number of milliseconds from 1 to ${LIMITS.maxRetain} (366 days), got ${shown(value)}.`,
  );
}

/** Checks a boolean; an absent value counts as false. */
export function checkFlag(value: unknown, argument: string): boolean {
  if (value === undefined) return false;
  if (typeof value === "boolean") return value;
  throw invalid(argument, `${argument} must be true or false, got ${shown(value)}.`);
}

/** Checks the fingerprint of a once-only job's payload: "" for none, absent if the request is not for such a job. */
export function checkOnce(value: unknown): string | undefined {
  return value === undefined || value === "" ? value : checkText(value, "once");
}

/** Checks a wait: 0 tries once, `Infinity` waits without a limit. */
export function checkWait(value: unknown): number {
  if (value === Infinity || isWholeNumber(value, 0, LIMITS.maxWait)) return value;
  throw invalid(
    "wait",
    `wait must be a whole number of milliseconds from 0 to ${LIMITS.maxWait} (1 day), or Infinity to wait without a limit, got ${shown(value)}.`,
  );
}

/** Checks the time limit of one long poll. */
export function checkLongPoll(value: unknown): number {
  if (isWholeNumber(value, 1, LIMITS.longPoll)) return value;
  throw invalid(
    "longPoll",
    `longPoll must be a whole number of milliseconds from 1 to ${LIMITS.longPoll} (25 s), got ${shown(value)}.`,
  );
}

/** Checks how long a waiter claims to have waited so far. Only its own position in the queue depends on this. */
export function checkWaited(value: unknown): number {
  if (isWholeNumber(value, 0, Number.MAX_SAFE_INTEGER)) return value;
  throw invalid("waited", `waited must be a whole number of milliseconds, 0 or more, got ${shown(value)}.`);
}

export function checkLease(value: unknown, argument = "lease"): number {
  if (isWholeNumber(value, 1, Number.MAX_SAFE_INTEGER)) return value;
  throw invalid(
    argument,
    `${argument} must be the number that acquire returned (a whole number from 1 to ${Number.MAX_SAFE_INTEGER}), got ${shown(value)}.`,
  );
}

/** Checks the lease number that a watcher last saw; 0 for none. */
export function checkWatched(value: unknown): number {
  return value === 0 ? 0 : checkLease(value, "known");
}

/** Checks an id, an owner, a request id, or another text of at most `most` bytes. */
export function checkText(value: unknown, argument: string, most: number = LIMITS.maxTextBytes): string {
  if (typeof value !== "string" || value === "")
    throw invalid(argument, `${argument} must be a non-empty string, got ${shown(value)}.`);
  // Each unit of a string takes one to three bytes, so the length alone often decides. A huge string is never encoded.
  if (value.length > most || (3 * value.length > most && encoder.encode(value).length > most))
    throw invalid(argument, `${argument} must be at most ${most} bytes of UTF-8; shorten or hash it.`);
  // UTF-8 encoding turns every lone surrogate into U+FFFD, so two different ids would silently share one lock.
  if (!value.isWellFormed())
    throw invalid(argument, `${argument} must be well-formed Unicode, without lone surrogates.`);
  return value;
}

/** Checks how many permits a semaphore has. */
export function checkPermits(value: unknown): number {
  if (isWholeNumber(value, 1, Number.MAX_SAFE_INTEGER)) return value;
  throw invalid("permits", `permits must be a whole number, 1 or more, got ${shown(value)}.`);
}

/** Checks the count of a latch, or the number of parties of a barrier. */
export function checkCount(value: unknown, argument: string, most: number): number {
  if (isWholeNumber(value, 1, most)) return value;
  throw invalid(argument, `${argument} must be a whole number from 1 to ${most}, got ${shown(value)}.`);
}

/** Checks what a request takes: everything, or `permits` out of `capacity`. */
export function checkClaim(permits: unknown, capacity: unknown): Claim {
  if (permits === undefined && capacity === undefined) return { exclusive: true, permits: 1, capacity: 1 };
  if (capacity !== Infinity && !isWholeNumber(capacity, 1, Number.MAX_SAFE_INTEGER))
    throw invalid(
      "capacity",
      `capacity must be a whole number, 1 or more, or Infinity for no limit, got ${shown(capacity)}; permits need a capacity.`,
    );
  const taken = permits === undefined ? 1 : permits;
  if (!isWholeNumber(taken, 1, capacity))
    throw invalid(
      "permits",
      `permits must be a whole number from 1 to the capacity of ${capacity}, got ${shown(permits)}.`,
    );
  return { exclusive: false, permits: taken, capacity };
}

/** Checks an options object and rejects unknown keys: a misspelt option must not be silently ignored. */
export function checkOptions(value: unknown, known: readonly string[], argument = "options"): Record<string, unknown> {
  if (value === undefined || value === null) return {};
  // A Map, a Date and so on are also refused, because their contents would be ignored.
  if (Object.prototype.toString.call(value) !== "[object Object]")
    throw invalid(argument, `${argument} must be an object, got ${shown(value)}.`);
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined)
    throw invalid(unknown.slice(0, 40), `unknown option ${shown(unknown)}; known options are ${known.join(", ")}.`);
  return value as Record<string, unknown>;
}

export function checkId(id: unknown): string {
  return checkText(id, "id");
}
