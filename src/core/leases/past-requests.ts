import type { LeaseEnd } from "../replies.ts";

/** What is remembered of a request that must not take effect again. */
export interface PastRequest {
  /** The request that took the lease. */
  requestId: string;
  /** Its number; absent if the request was cancelled before it got one. */
  lease?: number;
  how: LeaseEnd;
  /** The release that ended it, so that repeating that release gives the same answer. */
  releaseId?: string;
}

/** So many are remembered however long ago they ended, ... */
const ALWAYS_REMEMBERED = 1_000;

/** ... and more while a duplicate may still be on its way, in milliseconds, ... */
const MAY_ARRIVE_WITHIN = 60_000;

/** ... but never more than this: what a lock can hand out in the 5 s after which an unanswered call is repeated. */
const MOST_REMEMBERED = 10_000;

/**
 * The leases that ended recently, by request and by number: a duplicate that arrives late must not take the lock again.
 *
 * Bounded: the oldest is forgotten first. What must outlive a restart is written with the slots.
 */
export class PastRequests {
  readonly #byRequest = new Map<string, { past: PastRequest; addedAt: number }>();
  readonly #byLease = new Map<number, PastRequest>();

  add(past: PastRequest, now: number): void {
    // Deleted first, so that the newest entry is also the last to be forgotten. A forced release may have had
    // the request id of a lease that it ended.
    this.#forget(this.byRequest(past.requestId));
    this.#byRequest.set(past.requestId, { past, addedAt: now });
    if (past.lease !== undefined) this.#byLease.set(past.lease, past);
    this.#trim(now);
  }

  byRequest(requestId: string): PastRequest | undefined {
    return this.#byRequest.get(requestId)?.past;
  }

  byLease(lease: number): PastRequest | undefined {
    return this.#byLease.get(lease);
  }

  #trim(now: number): void {
    for (const { past, addedAt } of this.#byRequest.values()) {
      const most = now - addedAt < MAY_ARRIVE_WITHIN ? MOST_REMEMBERED : ALWAYS_REMEMBERED;
      if (this.#byRequest.size <= most) return;
      this.#forget(past);
    }
  }

  #forget(past: PastRequest | undefined): void {
    if (!past) return;
    this.#byRequest.delete(past.requestId);
    if (past.lease !== undefined) this.#byLease.delete(past.lease);
  }
}
