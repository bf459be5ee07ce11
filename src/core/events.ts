import type { Lease } from "./leases/lease.ts";
import type { TimelineEntry } from "./replies.ts";

/** A change that `status()` shows, but that neither begins nor ends a lease. */
type StatusChange =
  | "renewed"
  | "converted"
  /** The lock-delay of an expired lease has ended. */
  | "delayEnded"
  /** A waiter joined the queue. */
  | "queued"
  /** A waiter left the queue. */
  | "dequeued";

/**
 * Something that happened to a lock.
 *
 * It never contains a request id, because a request id allows its reader to cancel.
 */
export type LockEvent = TimelineEntry | ReleaseRequest | { what: StatusChange; lease?: never };

/** The holder of a lease is asked to release. */
interface ReleaseRequest {
  what: "releaseRequested";
  lease: number;
}

/** The event that a lease began or ended. */
export function eventOf({ lease, owner }: Lease, what: TimelineEntry["what"], at: number): TimelineEntry {
  return { at, lease, ...(owner !== undefined && { owner }), what };
}

/** What has happened since the last `take`, in order. Every change that `status()` shows adds an event. */
export class EventLog {
  #events: LockEvent[] = [];

  add(event: LockEvent): void {
    this.#events.push(event);
  }

  take(): LockEvent[] {
    const events = this.#events;
    if (events.length > 0) this.#events = [];
    return events;
  }
}
