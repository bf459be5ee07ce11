import type { LeaseEvent } from "../../core/replies.ts";
import { RpcTarget } from "../platform.ts";
import type { ContextHandle } from "./context-handle.ts";

/**
 * An exit watch. Its handle tells the object that the holder's execution context has ended; its events tell the holder
 * what happens to the lease.
 *
 * These are two objects, because a call in flight keeps alive the handle that it was made on. If the context handle
 * also served the events, it would outlive a holder that died.
 */
export interface ExitWatchReply {
  /** True unless the exit watch was refused. */
  success: true;
  /** Keep it while you hold the lease. The lease ends when its last handle is disposed of. */
  handle: ContextHandle;
  /** Listen to them while you hold the lease. Before the first call, disposing of `handle` does not end the lease. */
  events: LeaseEvents;
}

/** The events of a lease. */
export class LeaseEvents extends RpcTarget {
  readonly #next: (told: boolean) => Promise<LeaseEvent>;

  /** The object creates it. */
  constructor(next: (told: boolean) => Promise<LeaseEvent>) {
    super();
    this.#next = next;
  }

  /** Resolves when the lease ends. If `told` is false, also resolves when somebody asks the holder to release. */
  next(told: boolean): Promise<LeaseEvent> {
    return this.#next(told);
  }
}
