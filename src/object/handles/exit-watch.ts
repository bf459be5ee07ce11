import type { LeaseEvent } from "../../core/replies.ts";
import { RpcTarget } from "../platform.ts";
import type { ContextHandle } from "./context-handle.ts";

/**
 * What tells the object that a holder's execution context has ended, and tells the holder what happens to its lease.
 *
 * They are two, because a call in flight keeps the handle that it was made on: if the events were asked for on the
 * context handle, that handle would outlive a holder that died.
 */
export interface ExitWatchReply {
  /** Tells it from a refusal. */
  success: true;
  /** Keep it while you hold the lease: the lease ends with the last one. */
  handle: ContextHandle;
  /** Listen to it while you hold the lease. Until the first call, disposing of `tie` does not end the lease. */
  events: LeaseEvents;
}

/** What happens to a lease. */
export class LeaseEvents extends RpcTarget {
  readonly #next: (told: boolean) => Promise<LeaseEvent>;

  /** Made by the object. */
  constructor(next: (told: boolean) => Promise<LeaseEvent>) {
    super();
    this.#next = next;
  }

  /** The end of the lease, or, unless the holder was told before, that it is asked to release. */
  next(told: boolean): Promise<LeaseEvent> {
    return this.#next(told);
  }
}
