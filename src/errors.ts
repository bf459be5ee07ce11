/**
 * Why this library throws.
 *
 * - `INVALID_ARGUMENT`: an argument is invalid. Nothing was changed.
 * - `LOCK_TIMEOUT`: the lock was not granted within `wait`. This is contention, not an outage.
 * - `QUEUE_FULL`: the lock already has as many waiters as it allows.
 * - `TOO_MANY_LEASES`: the lock already has as many live leases as it allows.
 * - `LEASE_LOST`: the lease ended while the work under it was still running.
 * - `UNREACHABLE`: the call did not reach the object, or the object did not answer in time. This is an outage, not
 *   contention. The `cause` is the last fault, if there was one.
 * - `RATE_LIMITED`: you call the lock service too often; `retryAfter` says when to call again. Over HTTP only.
 * - `RELEASE_FAILED`: the work is done and was protected throughout, but its release could not be confirmed.
 * - `FINGERPRINT_MISMATCH`: a once-only job with the same key was started before, with a different payload.
 * - `BARRIER_BROKEN`: a party that others waited for at a barrier died, gave up, or ran out of time.
 * - `STALE_LEASE`: a fenced resource refused a write, because a newer lease has written to it.
 * - `VERSION_MISMATCH`: the object or the service runs a different version of this package or a different class. The
 *   message says what to deploy.
 * - `ACCESS_DENIED`: the lock service refused access: it does not know the token, the token does not allow this call,
 *   or the lease belongs to another token. Over HTTP only.
 * - `WRONG_REQUEST`: you used something that belongs to another request of the Worker, such as a held lease in a global
 *   variable. Nothing was changed. To continue under the lease in another request, pass on its number and `resume` it.
 * - `RESULT_TOO_LARGE`, `RESULT_NOT_CLONEABLE`: a job ran, but its result can't be stored, so the job will run again.
 *   Over HTTP it can also mean that the result is stored, but JSON can't carry it.
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
  /** With `INVALID_ARGUMENT`: the name of the invalid argument. */
  argument?: string | undefined;
  /** After how many milliseconds a retry makes sense, if known. */
  retryAfter?: number | undefined;
  /** The underlying error, if there is one. */
  cause?: unknown;
}

// A registered symbol instead of `instanceof`: two copies of this package in one bundle must recognise each other's
// errors.
const BRAND = Symbol.for("durable-locks.LockError");

/**
 * The base class of every error that this library throws; `code` says what went wrong.
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
  /** What went wrong. */
  readonly code: LockErrorCode;
  /** With `INVALID_ARGUMENT`: the name of the invalid argument. */
  readonly argument: string | undefined;
  /** After how many milliseconds a retry makes sense, if known. */
  readonly retryAfter: number | undefined;

  /** The library creates these errors. Construct one only to simulate a failure in a test. */
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
 * - `expired`: it ran out at the object, or `maxHold` was reached.
 * - `superseded`: someone released it, or another holder took it over.
 * - `unreachable`: no renewal was confirmed in time. The object may still count the lease as live for a moment. The
 *   `cause` is the fault of the last failed renewal. If that renewal got no answer within 5 s, the `cause` is an
 *   `UNREACHABLE` error.
 */
export type LeaseLoss = "expired" | "superseded" | "unreachable";

/** The lease ended before the work under it did. Another holder may already be working, so stop writing. */
export class LeaseLostError extends LockError {
  /** Why it was lost. */
  readonly why: LeaseLoss;
  /** The number of the lost lease. */
  readonly lease: number;

  /** The library creates these errors. Construct one only to simulate a loss in a test. */
  constructor(why: LeaseLoss, lease: number, message: string, details: LockErrorDetails = {}) {
    super("LEASE_LOST", message, details);
    this.name = "LeaseLostError";
    this.why = why;
    this.lease = lease;
  }
}

/** A fenced resource refused a write and changed nothing, because a newer lease has written to it. */
export class StaleLeaseError extends LockError {
  /** The lease under which the write was attempted. */
  readonly lease: number;
  /** The newest lease that has written to the resource. */
  readonly newest: number;

  /** The library creates these errors. Construct one only to simulate a refusal in a test. */
  constructor(resource: string, lease: number, newest: number, details: LockErrorDetails = {}) {
    const what = `Lease ${lease} is stale: the newer lease ${newest} has written to "${resource}". Nothing was written.`;
    super("STALE_LEASE", `${what} Stop, and acquire the lock again to continue.`, details);
    this.name = "StaleLeaseError";
    this.lease = lease;
    this.newest = newest;
  }
}

/**
 * Whether a caught value is a {@link LockError}. If you pass a code, the error must also have that code.
 *
 * Use it instead of `instanceof`: it also works if a bundle contains several copies or versions of this package.
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
