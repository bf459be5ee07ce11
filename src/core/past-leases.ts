import type { LeaseEnd } from "./replies.ts";

/** What is remembered of a request that must not take effect again. */
export interface PastLease {
  /** The request that took the lease. */
  requestId: string;
  /** Its number; absent if the request was cancelled before it got one. */
  lease?: number;
  how: LeaseEnd;
  /** The release that ended it, so that repeating that release is answered alike. */
  releaseId?: string;
}

const MOST_REMEMBERED = 10_000;

/**
 * The leases that ended of late, by request and by number: a duplicate that arrives late must not take the lock again.
 *
 * Bounded: the oldest is forgotten first. What must outlive a restart is written with the slots.
 */
export class PastLeases {
  readonly #byRequest = new Map<string, PastLease>();
  readonly #byLease = new Map<number, PastLease>();

  add(past: PastLease): void {
    // Deleted first, so that what is remembered anew is also the last to be forgotten. A forced release may have had
    // the request id of a lease that it ended.
    this.#forget(this.#byRequest.get(past.requestId));
    this.#byRequest.set(past.requestId, past);
    if (past.lease !== undefined) this.#byLease.set(past.lease, past);
    if (this.#byRequest.size > MOST_REMEMBERED) this.#forget(this.#byRequest.values().next().value);
  }

  byRequest(requestId: string): PastLease | undefined {
    return this.#byRequest.get(requestId);
  }

  byLease(lease: number): PastLease | undefined {
    return this.#byLease.get(lease);
  }

  #forget(past: PastLease | undefined): void {
    if (!past) return;
    this.#byRequest.delete(past.requestId);
    if (past.lease !== undefined) this.#byLease.delete(past.lease);
  }
}
