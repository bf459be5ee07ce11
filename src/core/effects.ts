import type { LockEvent } from "./events.ts";
import type { Slot } from "./leases/slots.ts";
import type { Decision } from "./replies.ts";

/** What one transition asks of its host, complete: the host carries it out in the same turn and adds nothing. */
export interface Effects {
  /** The rows to write, before anything is answered. */
  writes: Slot[];
  /** Whether to delete the result of the job, because its time has ended. */
  deletesResult: boolean;
  /** The parked calls to answer. */
  answers: { requestId: string; reply: Decision }[];
  /** What has happened, in order. */
  events: LockEvent[];
}
