import type { LeaseEnd } from "../replies.ts";

/** What is remembered about a request that must not take effect again. */
export interface PastRequest {
  /** The request that took the lease. */
  requestId: string;
  /** The number of the lease; absent if the request was cancelled before it got a lease. */
  lease?: number;
  how: LeaseEnd;
  /** The release that ended it, so that repeating that release gives the same answer. */
  releaseId?: string;
}

/** This many requests are remembered, however long ago they ended. */
const ALWAYS_REMEMBERED = 1_000;

/** How long further requests are remembered, because a duplicate may still be on its way; in milliseconds. */
const MAY_ARRIVE_WITHIN = 60_000;

/** Never more than this: as many leases as a lock can grant in the 5 s after which an unanswered call is repeated. */
const MOST_REMEMBERED = 10_000;

/**
 * The requests that ended recently, by id and by lease number: a late duplicate must not take the lock again.
 *
 * The memory is bounded; the oldest request is forgotten first. What must survive a restart is stored in the slots.
 */
export class PastRequests {
  readonly #byRequest = new Map<string, { past: PastRequest; addedAt: number }>();
  readonly #byLease = new Map<number, PastRequest>();

  add(past: PastRequest, now: number): void {
    // Deleted first, so that the newest entry is also the last to be forgotten. An entry with this id may exist: a
    // forced release may have the request id of a lease that it ended.
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
