import { invalid } from "../core/checks.ts";
import type { RefusalReason, LockStatus } from "../core/replies.ts";
import type { HeldLease } from "../hold/held-lease.ts";
import type { CriticalSection } from "../hold/work.ts";
import type { LockPrimitives } from "../transport/primitives.ts";
import type { AcquireOptions } from "./options/acquire-options.ts";
import type { HoldOptions, ResumeOptions, TryOptions } from "./options/hold-options.ts";

/** The lock was taken, or renewed. */
export interface LeaseGrant {
  /** Distinguishes it from a `Refusal`. */
  success: true;
  /** The lease number: pass it to `renew` and `release`, and use it as the fencing token. */
  lease: number;
  /** When the lease ends, by the object's clock (ms since the epoch). Never compare it with your clock. */
  deadline: number;
}

/** The lock was not taken, renewed or released. */
export interface Refusal {
  /** Distinguishes it from a `LeaseGrant`. */
  success: false;
  /** Why. */
  reason: RefusalReason;
  /** With `BORROWED`: milliseconds until the first live lease ends if nobody renews it. */
  retryAfter?: number;
}

/** What `acquire` and `renew` return. */
export type LeaseResult = LeaseGrant | Refusal;

/** What `tryWithLock` returns. */
export type TryResult<T> = WorkDone<T> | WorkSkipped;

/** The lock was free and `fn` ran. */
export interface WorkDone<T> {
  /** Distinguishes it from `WorkSkipped`. */
  acquired: true;
  /** What `fn` returned. */
  value: T;
}

/** The lock was taken and `fn` did not run. */
export interface WorkSkipped {
  /** Distinguishes it from `WorkDone`. */
  acquired: false;
  /** Why. */
  reason: RefusalReason;
  /** With `BORROWED`: milliseconds until the first live lease ends if nobody renews it. */
  retryAfter?: number;
}

/** A lock: a name, and what you can do with it. You can destructure every function. */
export interface Lock {
  /** The lock's id. */
  readonly id: string;
  /** What the lock is built on: for your own combinators. */
  readonly primitives: LockPrimitives;
  /**
   * Takes the lock for `ttl` ms (1 to a day), or renews the given lease.
   *
   * Does not wait unless you give `wait`, and does not renew automatically: `hold` and `withLock` do.
   *
   * @returns a `LeaseGrant`, or a `Refusal` with `BORROWED`, `QUEUE_FULL`, `TOO_MANY_LEASES`, or `NO_LONGER_VALID`.
   * @throws `INVALID_ARGUMENT`; `UNREACHABLE` if the object can't be reached; the reason of `signal`.
   * @example
   * ```ts
   * const result = await lock.acquire(5_000);
   * if (result.success) await lock.release(result.lease);
   * ```
   */
  readonly acquire: (ttl: number, leaseOrOptions?: number | AcquireOptions | null) => Promise<LeaseResult>;
  /**
   * Sets the remaining time of a live lease to `ttl` ms (1 to a day).
   *
   * @returns a `LeaseGrant`, or a `Refusal` with `NO_LONGER_VALID`: a lease that ended is never revived.
   * @throws `INVALID_ARGUMENT`, `UNREACHABLE`.
   */
  readonly renew: (lease: number, ttl: number, options?: RequestIdOption) => Promise<LeaseResult>;
  /**
   * Ends a live lease. The next waiter gets the lock at once.
   *
   * @returns `true`, or a `Refusal` with `NO_LONGER_VALID` if it had ended before.
   * @throws `INVALID_ARGUMENT`; `UNREACHABLE` after at most 5 s; the lease then ends with its ttl.
   */
  readonly release: (lease: number, options?: RequestIdOption) => Promise<true | Refusal>;
  /**
   * Whether any lease is live. Asking about an id that was never used stores nothing.
   *
   * @throws `UNREACHABLE`.
   */
  readonly isLocked: () => Promise<boolean>;
  /**
   * Who holds the lock and who waits for it, in order.
   *
   * @throws `UNREACHABLE`.
   */
  readonly status: () => Promise<LockStatus>;
  /**
   * Ends every lease, no matter who holds it, and hands the lock on: for operators.
   *
   * A holder with `releaseOnExit` learns about it at once, and any other with its next renewal. Until then, only the
   * fencing token can stop its writes.
   *
   * @returns a number above those of the ended leases and below those of all later leases: a fence.
   * @throws `UNREACHABLE`.
   * @example
   * ```ts
   * const fence = await lock.forceRelease();
   * ```
   */
  readonly forceRelease: () => Promise<number>;
  /**
   * Asks every holder to release: calls each one's `onReleaseRequested`, and leaves the decision to it.
   *
   * Later holders are not asked. So if you want the lock yourself, join the queue first.
   *
   * @throws `UNREACHABLE`.
   * @example
   * ```ts
   * const migrated = lock.withLock(migrate, { wait: 60_000 });
   * await lock.requestRelease();
   * await migrated;
   * ```
   */
  readonly requestRelease: () => Promise<void>;
  /**
   * Takes the lock and renews its lease until it is released or lost.
   *
   * @throws `LOCK_TIMEOUT`, `QUEUE_FULL`, `TOO_MANY_LEASES`, `UNREACHABLE`, `INVALID_ARGUMENT`; the reason of `signal`.
   * @example
   * ```ts
   * await using held = await lock.hold({ wait: 5_000 });
   * ```
   */
  readonly hold: (options?: HoldOptions) => Promise<HeldLease>;
  /**
   * Takes over a lease that was granted elsewhere, such as one from a queue message: renews it and holds it.
   *
   * @throws `LEASE_LOST` if it has ended; `UNREACHABLE`, `INVALID_ARGUMENT`.
   * @example
   * ```ts
   * await using held = await lock.resume(message.body.lease);
   * ```
   */
  readonly resume: (lease: number, options?: ResumeOptions) => Promise<HeldLease>;
  /**
   * Runs `fn` while holding the lock, and releases it.
   *
   * Waits up to `wait` (10 s) in the queue and renews the lease while `fn` runs. It fulfils with what `fn` returns only
   * if the lease was live until then. It waits for `fn` to settle even if the lease is lost, so obey `signal`.
   *
   * Don't take a lock again under its own hold: the inner call waits for the outer one. Pass `held` on instead.
   *
   * @throws what `fn` throws; `LEASE_LOST` if the lease was lost before `fn` settled, with what `fn` threw as its
   * cause; `RELEASE_FAILED` if `fn` succeeded and the object can no longer be reached; and what `hold` throws.
   * @example
   * ```ts
   * const balance = await lock.withLock(async ({ signal, lease }) => {
   *   return await addToAccount(100, { signal, fencingToken: lease });
   * });
   * ```
   */
  readonly withLock: <T>(fn: CriticalSection<T>, options?: HoldOptions) => Promise<T>;
  /**
   * Like `withLock`, but skips `fn` if the lock is taken.
   *
   * @example
   * ```ts
   * const tried = await lock.tryWithLock(sendReport, { minHold: 60_000 });
   * if (!tried.acquired) console.log(`taken; its lease ends in ${tried.retryAfter} ms unless it is renewed`);
   * ```
   */
  readonly tryWithLock: <T>(fn: CriticalSection<T>, options?: TryOptions) => Promise<TryResult<T>>;
}

export function isLock(value: unknown): value is Lock {
  return typeof value === "object" && value !== null && "primitives" in value;
}

export function checkLock(lock: unknown): Lock {
  if (isLock(lock)) return lock;
  throw invalid("lock", "lock must be a lock, such as useDurableLock(env.DURABLE_LOCK, id).");
}

/** How to repeat a renewal or release. */
export interface RequestIdOption {
  /** Names the request, so that repeating it has no second effect. @default a random id */
  requestId?: string;
}
