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
 * What every combinator stands on: one lock, one call each, over whatever transport.
 *
 * Expected outcomes are results; faults of the transport are thrown as they are. Every call can be repeated with the
 * same request id and has no second effect. If its `signal` fires, a call rejects and leaves nothing behind
 * that keeps the process alive. The caller does not know then whether the call took effect.
 */
export interface LockPrimitives {
  /** The lock's id, for error messages. */
  readonly id: string;
  /** Tells this lock from every other, also of the same id elsewhere. */
  readonly key: string;
  /** The URL of the lock service, for error messages; absent if calls go to the object directly. */
  readonly url?: string;
  /** How long the next long poll may take over this transport, in milliseconds; 25 s if absent. */
  longPoll?(): number;
  /**
   * Takes the lock, waiting for one long poll at most; asking again with the same request id keeps the queue entry.
   *
   * A transport may call `onQueued` when it knows that a request that waits has arrived at the object, or, if it can't
   * know, when it has sent the request.
   */
  acquire(request: LockRequest, signal?: AbortSignal, onQueued?: () => void): Promise<AcquireReply>;
  /** Sets the remaining time of a live lease. */
  renew(lease: number, ttl: number, requestId: string, signal?: AbortSignal): Promise<RenewReply>;
  /** Changes what a live lease takes, with no gap in between; `BORROWED` if the other leases leave no room for it. */
  convert(lease: number, claim: Claim, requestId: string, signal?: AbortSignal): Promise<RenewReply>;
  /** Ends a live lease, and with `result` keeps what the job under it came to: both or neither. */
  release(lease: number, requestId: string, result?: JobResult, signal?: AbortSignal): Promise<ReleaseReply>;
  /** Takes a request back, whether it waits or was granted meanwhile. */
  cancel(requestId: string, signal?: AbortSignal): Promise<unknown>;
  /** Whether any lease is live. */
  isLocked(signal?: AbortSignal): Promise<boolean>;
  /** Who holds the lock and who waits. */
  status(signal?: AbortSignal): Promise<LockStatus>;
  /** The status, as soon as the newest live lease is not `known` (0: none is live), or after `wait` ms, one slice at most. */
  watch(known: number, wait: number, signal?: AbortSignal): Promise<LockStatus | RefusalReply>;
  /** As `watch`, but the status has the newest holder alone, and no waiters; if absent, `observe` uses `watch`. */
  watchNewest?(known: number, wait: number, signal?: AbortSignal): Promise<LockStatus | RefusalReply>;
  /** Ends all leases; answers a number above theirs and below all that come. */
  forceRelease(requestId: string, signal?: AbortSignal): Promise<number | RefusalReply>;
  /** Asks all holders to release; repeated, it asks nobody who came since. */
  requestRelease(requestId: string, signal?: AbortSignal): Promise<unknown>;
  /** Ties a live lease to the life of this execution context; absent where the transport can't notice its end. */
  watchExit?(lease: number, signal?: AbortSignal): Promise<ExitWatch | RefusalReply>;
}

/**
 * What ties a lease to its holder: it ends when the last of its bindings is disposed, or the runtime finds their owner
 * gone. One of which no news was ever asked for ends nothing, so that a reply can be lost and the call repeated.
 */
export interface ExitWatch extends Disposable {
  /** Tells it from a refusal. */
  success: true;
  /**
   * The end of the lease, or, unless the holder was told before, that it is asked to release; an empty answer, after
   * which it is asked again, where a call can't be parked for so long.
   */
  next(told: boolean): Promise<LeaseEvent>;
}
