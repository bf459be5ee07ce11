/**
 * Every reason for which this library throws.
 *
 * - `INVALID_ARGUMENT`: an argument is outside its bounds; nothing was changed.
 * - `LOCK_TIMEOUT`: the lock was not granted within `wait`: contention, not an outage.
 * - `QUEUE_FULL`: as many callers as a lock admits are waiting already.
 * - `TOO_MANY_LEASES`: as many leases as a lock admits are live already.
 * - `LEASE_LOST`: the lease ended while the work under it was still running.
 * - `UNREACHABLE`: the object could not be asked, or did not answer in time: an outage, not contention. Its `cause` is
 *   the last fault, if there was one.
 * - `RATE_LIMITED`: the lock service limits how often you ask; `retryAfter` tells when to ask again. Over HTTP only.
 * - `RELEASE_FAILED`: the work is done and was protected throughout, but its release could not be confirmed.
 * - `FINGERPRINT_MISMATCH`: a job that runs once ran, or runs, under the same key for another payload.
 * - `BARRIER_BROKEN`: a party that others waited for at a barrier died, gave up, or ran out of time.
 * - `STALE_LEASE`: a fenced resource refused a write, because a newer lease has written to it.
 * - `VERSION_MISMATCH`: the object or the service is of another version of this package, or of another class; the message
 *   says what to deploy.
 * - `ACCESS_DENIED`: the lock service does not know this token, the token does not allow this call, or the lease belongs to
 *   another token; over HTTP only.
 * - `WRONG_REQUEST`: what is used belongs to another request of the Worker, such as a held lease in a global variable.
 *   Nothing was changed; to continue under a lease in another request, pass its number on and `resume` it.
 * - `RESULT_TOO_LARGE`, `RESULT_NOT_CLONEABLE`: a job ran, but its result can't be stored, so it will run again;
 *   or, over HTTP, it is stored and JSON can't carry it.
 */
export type LockErrorCode =
  | "INVALID_ARGUMENT"
  | "LOCK_TIMEOUT"
  | "QUEUE_FULL"
  | "TOO_MANY_LEASES"
  | "LEASE_LOST"
  | "UNREACHABLE"
  | "RATE_LIMITED"
  | "RELEASE_FAILED"
  | "FINGERPRINT_MISMATCH"
  | "BARRIER_BROKEN"
  | "STALE_LEASE"
  | "VERSION_MISMATCH"
  | "ACCESS_DENIED"
  | "WRONG_REQUEST"
  | "RESULT_TOO_LARGE"
  | "RESULT_NOT_CLONEABLE";

/** What a {@link LockError} can carry besides its code and message. */
export interface LockErrorDetails {
  /** The argument that was refused, with `INVALID_ARGUMENT`. */
  argument?: string | undefined;
  /** Milliseconds after which asking again makes sense, where known. */
  retryAfter?: number | undefined;
  /** The error underneath, if there is one. */
  cause?: unknown;
}

// A registered symbol and not `instanceof`: two copies of this package in one bundle must know each other's errors.
const BRAND = Symbol.for("durable-locks.LockError");

/**
 * The one error class that this library throws; `code` tells which kind.
 *
 * @example
 * ```ts
 * try {
 *   await withLock(charge);
 * } catch (error) {
 *   if (isLockError(error, "LOCK_TIMEOUT")) return new Response("Busy", { status: 503 });
 *   throw error;
 * }
 * ```
 */
export class LockError extends Error {
  /** Which kind of failure this is. */
  readonly code: LockErrorCode;
  /** The argument that was refused, with `INVALID_ARGUMENT`. */
  readonly argument: string | undefined;
  /** Milliseconds after which asking again makes sense, where known. */
  readonly retryAfter: number | undefined;

  /** Errors are made by the library; construct one only to simulate a failure in a test. */
  constructor(code: LockErrorCode, message: string, details: LockErrorDetails = {}) {
    super(message, "cause" in details ? { cause: details.cause } : undefined);
    this.name = "LockError";
    this.code = code;
    this.argument = details.argument;
    this.retryAfter = details.retryAfter;
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/**
 * Why a lease was lost.
 *
 * - `expired`: its time ran out at the object, or `maxHold` was reached.
 * - `superseded`: it was released, by whomever, or its place was given to another holder.
 * - `unreachable`: no renewal was confirmed in time; the object may still count it as live for a moment. The `cause` is
 *   the fault of the last renewal that failed, or its `UNREACHABLE` if it got no answer within 5 s.
 */
export type LeaseLoss = "expired" | "superseded" | "unreachable";

/** The lease ended before the work under it did: another holder may be at work, so stop writing. */
export class LeaseLostError extends LockError {
  /** Why it was lost. */
  readonly why: LeaseLoss;
  /** The number of the lease that was lost. */
  readonly lease: number;

  /** Errors are made by the library; construct one only to simulate a loss in a test. */
  constructor(why: LeaseLoss, lease: number, message: string, details: LockErrorDetails = {}) {
    super("LEASE_LOST", message, details);
    this.name = "LeaseLostError";
    this.why = why;
    this.lease = lease;
  }
}

/** A guarded resource refused a write and changed nothing: a newer lease has written it. */
export class StaleLeaseError extends LockError {
  /** The lease under which the write was tried. */
  readonly lease: number;
  /** The newest lease that has written. */
  readonly newest: number;

  /** Errors are made by the library; construct one only to simulate a refusal in a test. */
  constructor(resource: string, lease: number, newest: number, details: LockErrorDetails = {}) {
    const what = `Lease ${lease} is stale: lease ${newest} has written "${resource}" since. Nothing was written.`;
    super("STALE_LEASE", `${what} Stop, and acquire again to go on.`, details);
    this.name = "StaleLeaseError";
    this.lease = lease;
    this.newest = newest;
  }
}

/**
 * Whether a caught value is a {@link LockError}, of the given code if one is named.
 *
 * Works across copies and versions of this package in one bundle, where `instanceof` does not.
 *
 * @example
 * ```ts
 * if (isLockError(error, "LEASE_LOST")) console.warn(`lost: ${error.why}`);
 * ```
 */
export function isLockError(error: unknown, code: "LEASE_LOST"): error is LeaseLostError;
export function isLockError(error: unknown, code: "STALE_LEASE"): error is StaleLeaseError;
export function isLockError(error: unknown, code?: LockErrorCode): error is LockError;
export function isLockError(error: unknown, code?: LockErrorCode): error is LockError {
  if (typeof error !== "object" || error === null || !(BRAND in error)) return false;
  return code === undefined || ("code" in error && error.code === code);
}
