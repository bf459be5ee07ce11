import type { AcquireReply } from "../../core/replies.ts";
import type { ContextHandle } from "./context-handle.ts";
import type { PendingReply } from "./pending-reply.ts";

/**
 * What a caller in the queue gets: its queue entry, and the pending grant to wait for.
 *
 * They are two, because a call in flight keeps the handle that it was made on: if the wait were a call on the queue
 * entry, the entry would outlive a caller that died waiting.
 */
export interface Ticket {
  /** The queue entry. Dispose of it when the wait ends: if the holder kept it, the object would stay in memory. */
  entry: ContextHandle;
  /** The pending grant. */
  pendingGrant: PendingReply<AcquireReply>;
}
