import type { AcquireReply } from "../../core/replies.ts";
import type { ContextHandle } from "./context-handle.ts";
import type { PendingReply } from "./pending-reply.ts";

/**
 * What a waiter gets: its queue entry and its pending grant.
 *
 * These are two objects, because a call in flight keeps alive the handle that it was made on. If the waiter waited by a
 * call on the queue entry, the entry would outlive a waiter that died.
 */
export interface Ticket {
  /** The queue entry. Dispose of it when the wait ends; otherwise it keeps the object in memory. */
  entry: ContextHandle;
  /** The pending grant. */
  pendingGrant: PendingReply<AcquireReply>;
}
