import type { LockEvent } from "./events.ts";
import type { Slot } from "./leases/slots.ts";
import type { Decision } from "./replies.ts";

/** Everything that the host must do after one transition. The host does it in the same turn and adds nothing. */
export interface Effects {
  /** The rows to write before any call is answered. */
  writes: Slot[];
  /** Whether to delete the result of the job, because its retention time has ended. */
  deletesResult: boolean;
  /** The parked calls to answer. */
  answers: { requestId: string; reply: Decision }[];
  /** What happened, in order. */
  events: LockEvent[];
}
