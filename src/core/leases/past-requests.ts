import { AgedMap } from "../aged-map.ts";
import { type PastRecord, type Records, hashOf, readRecords } from "./past-records.ts";
import type { PastRequest } from "./past-request.ts";

/** This many requests are remembered, however long ago they ended. */
const ALWAYS_REMEMBERED = 1_000;

/** How long further requests are remembered, because a duplicate may still be on its way; in milliseconds. */
const MAY_ARRIVE_WITHIN = 60_000;

/** Never more than this: as many leases as a lock can grant in the 5 s after which an unanswered call is repeated. */
const MOST_REMEMBERED = 10_000;

/** A past request, or what storage kept of it. */
export type Remembered = PastRequest | PastRecord;

/** Whether the lease of a past request was ended by the release with this id. */
export function isReleasedBy(past: Remembered, requestId: string): boolean {
  if ("requestHash" in past) return past.releaseHash !== undefined && past.releaseHash === hashOf(requestId);
  return past.releaseId === requestId;
}

interface Entry {
  past: PastRequest;
  addedAt: number;
}

/**
 * The requests that ended recently, by id and by lease number: a late duplicate must not take the lock again.
 *
 * The memory is bounded; the oldest request is forgotten first. What must survive a restart is stored in the slots, and
 * an instance keeps what it loaded from there.
 */
export class PastRequests {
  readonly #byRequest = new AgedMap<string, Entry>();
  readonly #byLease = new Map<number, PastRequest>();
  /** What was stored before this instance started: the requests by their hash, and by lease number. */
  readonly #records = new Map<string, PastRecord>();
  readonly #recordsByLease = new Map<number, PastRecord>();

  add(past: PastRequest, now: number): void {
    // An entry with this id may exist: a forced release may have the request id of a lease that it ended.
    this.#forget(this.#byRequest.get(past.requestId));
    this.#byRequest.set(past.requestId, { past, addedAt: now });
    if (past.lease !== undefined) this.#byLease.set(past.lease, past);
    this.#trim(now);
  }

  /** Adds what is stored of the earlier leases of a slot. */
  load(records: Records): void {
    for (const record of readRecords(records)) {
      this.#recordsByLease.set(record.lease, record);
      const known = this.#records.get(record.requestHash);
      if (!known || known.lease < record.lease) this.#records.set(record.requestHash, record);
    }
  }

  byRequest(requestId: string): Remembered | undefined {
    const entry = this.#byRequest.get(requestId);
    if (entry || this.#records.size === 0) return entry?.past;
    return this.#records.get(hashOf(requestId));
  }

  byLease(lease: number): Remembered | undefined {
    return this.#byLease.get(lease) ?? this.#recordsByLease.get(lease);
  }

  #trim(now: number): void {
    for (let oldest = this.#byRequest.oldest; oldest; oldest = this.#byRequest.oldest) {
      const most = now - oldest.addedAt < MAY_ARRIVE_WITHIN ? MOST_REMEMBERED : ALWAYS_REMEMBERED;
      if (this.#byRequest.size <= most) return;
      this.#forget(oldest);
    }
  }

  #forget(entry: Entry | undefined): void {
    if (!entry) return;
    const { requestId, lease } = entry.past;
    this.#byRequest.delete(requestId);
    if (lease !== undefined) this.#byLease.delete(lease);
  }
}
