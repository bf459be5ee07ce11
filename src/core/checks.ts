import { LockError } from "../errors.ts";
import type { Claim } from "./leases/lease.ts";
import { LIMITS } from "./limits.ts";

const encoder = new TextEncoder();

/** What is thrown for a bad argument. */
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

/** A duration that must be at least 1 ms and at most a day. */
export function checkDuration(value: unknown, argument: string): number {
  if (isWholeNumber(value, 1, LIMITS.maxTtl)) return value;
  throw invalid(
    argument,
    `${argument} must be a whole number of milliseconds from 1 to ${LIMITS.maxTtl} (1 day), got ${shown(value)}.`,
  );
}

/** A duration of at most a day that may be 0, for none. */
export function checkDurationOrZero(value: unknown, argument: string): number {
  if (isWholeNumber(value, 0, LIMITS.maxTtl)) return value;
  throw invalid(
    argument,
    `${argument} must be a whole number of milliseconds from 0 to ${LIMITS.maxTtl} (1 day), got ${shown(value)}.`,
  );
}

/** The longest hold: a duration, or `Infinity` for no limit. */
export function checkMaxHold(value: unknown): number {
  if (value === Infinity || isWholeNumber(value, 1, LIMITS.maxTtl)) return value;
  throw invalid(
    "maxHold",
    `maxHold must be a whole number of milliseconds from 1 to ${LIMITS.maxTtl} (1 day), or Infinity for no limit, got ${shown(value)}.`,
  );
}

/** How long the result of a job is kept. */
export function checkRetain(value: unknown): number {
  if (isWholeNumber(value, 1, LIMITS.maxRetain)) return value;
  throw invalid(
    "retain",
    `retain must be a whole number of milliseconds from 1 to ${LIMITS.maxRetain} (366 days), got ${shown(value)}.`,
  );
}

/** Something that is so or not; absent means not. */
export function checkFlag(value: unknown, argument: string): boolean {
  if (value === undefined) return false;
  if (typeof value === "boolean") return value;
  throw invalid(argument, `${argument} must be true or false, got ${shown(value)}.`);
}

/** The fingerprint of a job's payload, "" for none; absent for a hold that is no such job. */
export function checkOnce(value: unknown): string | undefined {
  return value === undefined || value === "" ? value : checkText(value, "once");
}

/** A wait: 0 asks once, `Infinity` waits without end and must be asked for. */
export function checkWait(value: unknown): number {
  if (value === Infinity || isWholeNumber(value, 0, LIMITS.maxWait)) return value;
  throw invalid(
    "wait",
    `wait must be a whole number of milliseconds from 0 to ${LIMITS.maxWait} (1 day), or Infinity to wait without end, got ${shown(value)}.`,
  );
}

/** Checks how long one call may stay parked. */
export function checkLongPoll(value: unknown): number {
  if (isWholeNumber(value, 1, LIMITS.longPoll)) return value;
  throw invalid(
    "longPoll",
    `longPoll must be a whole number of milliseconds from 1 to ${LIMITS.longPoll} (25 s), got ${shown(value)}.`,
  );
}

/** How long a waiter says that it has waited so far; only its own place in the queue depends on it. */
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

/** The lease that a watcher knows of; 0 for none. */
export function checkWatched(value: unknown): number {
  return value === 0 ? 0 : checkLease(value, "known");
}

/** An id, owner or request id; or another text of at most `most` bytes. */
export function checkText(value: unknown, argument: string, most: number = LIMITS.maxTextBytes): string {
  if (typeof value !== "string" || value === "")
    throw invalid(argument, `${argument} must be a string that is not empty, got ${shown(value)}.`);
  // Each character is at least one byte, so the cheap check spares encoding a huge string.
  if (value.length > most || encoder.encode(value).length > most)
    throw invalid(argument, `${argument} must be at most ${most} bytes of UTF-8; shorten or hash it.`);
  // Encoded as UTF-8 every lone surrogate is U+FFFD: two different ids would silently be one lock.
  if (!value.isWellFormed())
    throw invalid(argument, `${argument} must be well-formed Unicode, without lone surrogates.`);
  return value;
}

/** How many permits a semaphore has. */
export function checkPermits(value: unknown): number {
  if (isWholeNumber(value, 1, Number.MAX_SAFE_INTEGER)) return value;
  throw invalid("permits", `permits must be a whole number from 1, got ${shown(value)}.`);
}

/** How many a latch counts, or meet at a barrier. */
export function checkCount(value: unknown, argument: string, most: number): number {
  if (isWholeNumber(value, 1, most)) return value;
  throw invalid(argument, `${argument} must be a whole number from 1 to ${most}, got ${shown(value)}.`);
}

/** What a request takes: everything, or `permits` out of `capacity`. */
export function checkClaim(permits: unknown, capacity: unknown): Claim {
  if (permits === undefined && capacity === undefined) return { exclusive: true, permits: 1, capacity: 1 };
  if (capacity !== Infinity && !isWholeNumber(capacity, 1, Number.MAX_SAFE_INTEGER))
    throw invalid(
      "capacity",
      `capacity must be a whole number from 1, or Infinity for no limit, got ${shown(capacity)}; permits are taken out of it.`,
    );
  const asked = permits === undefined ? 1 : permits;
  if (!isWholeNumber(asked, 1, capacity))
    throw invalid(
      "permits",
      `permits must be a whole number from 1 to the capacity of ${capacity}, got ${shown(permits)}.`,
    );
  return { exclusive: false, permits: asked, capacity };
}

/** An options object whose every key is known: a misspelt option must not be silently ignored. */
export function checkOptions(value: unknown, known: readonly string[], argument = "options"): Record<string, unknown> {
  if (value === undefined || value === null) return {};
  // Not a Map, a Date and so on either: whatever they hold would be ignored.
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
