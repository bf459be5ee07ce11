import type { Claim } from "../core/leases/lease.ts";
import type {
  AcquireReply,
  LeaseEvent,
  JobResult,
  LockStatus,
  RefusalReply,
  ReleaseReply,
  RenewReply,
} from "../core/replies.ts";
import type { LockRequest } from "../core/request.ts";

/**
 * What every combinator is built on: the calls to one lock, over any transport.
 *
 * Expected outcomes are results; faults of the transport are thrown as they are. You can repeat any call with the
 * same request id without a second effect. If its `signal` fires, a call rejects and leaves nothing behind that keeps
 * the process alive. It is then unknown whether the call took effect.
 */
export interface LockPrimitives {
  /** The lock's id, for error messages. */
  readonly id: string;
  /** Distinguishes this lock from every other, even from one with the same id elsewhere. */
  readonly key: string;
  /** The URL of the lock service, for error messages; absent if calls go to the object directly. */
  readonly url?: string;
  /** How long the next long poll may take over this transport, in milliseconds; 25 s if absent. */
  longPoll?(): number;
  /**
   * Takes the lock, and waits for at most one long poll. The next request with the same id keeps the queue entry.
   *
   * A transport may call `onQueued` when it knows that a request that waits has arrived at the object, or, if it can't
   * know, when it has sent the request.
   */
  acquire(request: LockRequest, signal?: AbortSignal, onQueued?: () => void): Promise<AcquireReply>;
  /** Sets the remaining time of a live lease. */
  renew(lease: number, ttl: number, requestId: string, signal?: AbortSignal): Promise<RenewReply>;
  /** Changes the claim of a live lease without a gap; `BORROWED` if the other leases leave no room for it. */
  convert(lease: number, claim: Claim, requestId: string, signal?: AbortSignal): Promise<RenewReply>;
  /** Ends a live lease. With `result`, also stores the result of the job under it: both happen or neither. */
  release(lease: number, requestId: string, result?: JobResult, signal?: AbortSignal): Promise<ReleaseReply>;
  /** Takes a request back, whether it waits or was granted meanwhile. */
  cancel(requestId: string, signal?: AbortSignal): Promise<unknown>;
  /** Whether any lease is live. */
  isLocked(signal?: AbortSignal): Promise<boolean>;
  /** Who holds the lock and who waits. */
  status(signal?: AbortSignal): Promise<LockStatus>;
  /**
   * The status, as soon as the newest live lease is not `known` (0: none is live), or after `wait` ms; at most one long
   * poll.
   */
  watch(known: number, wait: number, signal?: AbortSignal): Promise<LockStatus | RefusalReply>;
  /** Like `watch`, but the status has only the newest holder, and no waiters. If absent, `observe` uses `watch`. */
  watchNewest?(known: number, wait: number, signal?: AbortSignal): Promise<LockStatus | RefusalReply>;
  /** Ends all leases. Returns a number above theirs and below those of all later leases. */
  forceRelease(requestId: string, signal?: AbortSignal): Promise<number | RefusalReply>;
  /** Asks all holders to release. A repeated request does not ask those that have come since. */
  requestRelease(requestId: string, signal?: AbortSignal): Promise<unknown>;
  /**
   * Sets up an exit watch: the lease ends if this execution context ends. Absent if the transport can't notice that.
   */
  watchExit?(lease: number, signal?: AbortSignal): Promise<ExitWatch | RefusalReply>;
}

/**
 * Tells the object that the holder's execution context has ended. The lease ends when its last exit watch is disposed
 * of, by its owner or by the runtime after the owner's context has ended. An exit watch on which `next` was never
 * called does not end the lease, so that a reply can be lost and the call repeated.
 */
export interface ExitWatch extends Disposable {
  /** Distinguishes it from a refusal. */
  success: true;
  /**
   * The next lease event: that the lease has ended, or, unless the holder was told before, that it is asked to release.
   * If the transport can't park a call for so long, the event is empty; then call this again.
   */
  next(told: boolean): Promise<LeaseEvent>;
}
