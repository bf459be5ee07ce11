import type { AcquireReply, LockStatus, ReleaseReply } from "../core/replies.ts";
import type { LockRequest } from "../core/request.ts";

/**
 * What every combinator stands on: one lock, one call each, over whatever transport.
 *
 * Expected outcomes are results; faults of the transport are thrown as they are. Every call can be repeated with the
 * same request id and has no second effect.
 */
export interface LockPrimitives {
  /** The lock's id, for error messages. */
  readonly id: string;
  /** Takes the lock, waiting for at most one slice; asking again with the same request id keeps the place. */
  acquire(request: LockRequest): Promise<AcquireReply>;
  /** Sets the remaining time of a live lease. */
  renew(lease: number, ttl: number, requestId: string): Promise<AcquireReply>;
  /** Ends a live lease. */
  release(lease: number, requestId: string): Promise<ReleaseReply>;
  /** Takes a request back, whether it waits or was granted meanwhile. */
  cancel(requestId: string): Promise<unknown>;
  /** Whether any lease is live. */
  isLocked(): Promise<boolean>;
  /** Who holds the lock and who waits. */
  status(): Promise<LockStatus>;
}
