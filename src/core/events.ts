import type { TimelineEntry } from "./replies.ts";

/** A change that `status()` shows although no lease begins or ends. */
type StatusChange =
  | "renewed"
  | "converted"
  /** The holder is asked to release. */
  | "releaseRequested"
  /** A lease that expired is no longer in the way. */
  | "delayEnded"
  /** A waiter has come to the queue. */
  | "queued"
  /** A waiter has left the queue. */
  | "dequeued";

/** Something that happened to a lock. It never has a request id, which is the power to cancel. */
export type LockEvent = TimelineEntry | { what: StatusChange };

/** What has happened since the last `take`, in order. Whatever changes what `status()` shows adds an event. */
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
