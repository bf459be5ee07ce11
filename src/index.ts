/**
 * Distributed locks on Cloudflare Durable Objects.
 *
 * Export {@link DurableLock} from your Worker, and lock with {@link bindLocks}.
 *
 * @module
 */
export { bindLocks } from "./connect/bind-locks.ts";
export type { Locks } from "./connect/locks.ts";
export { useBarrier, useLatch } from "./connect/use-rendezvous.ts";
export { useDurableLock, useReadWriteLock, useSemaphore, webLocks } from "./connect/use-locks.ts";
export type { Caller, CallerOption } from "./core/caller.ts";
export type { ProtocolOption } from "./core/protocol.ts";
export type { Arrival } from "./core/rendezvous/barrier-state.ts";
export type { ArriveReply, BarrierBreak, LatchReply } from "./core/rendezvous/rendezvous-replies.ts";
export type { FollowReply, TimelineEntry } from "./core/replies.ts";
export { fenceD1 } from "./fencing/d1.ts";
export { fenceStorage } from "./fencing/durable-object.ts";
export { type FencedR2Value, fenceR2 } from "./fencing/r2.ts";
export { DurableLock } from "./object/durable-lock.ts";
export { type ArrivalTicket, DurableRendezvous } from "./object/durable-rendezvous.ts";
export type { ContextHandle } from "./object/handles/context-handle.ts";
export type { ExitWatchReply, LeaseEvents } from "./object/handles/exit-watch.ts";
export type { PendingReply } from "./object/handles/pending-reply.ts";
export type { Ticket } from "./object/handles/ticket.ts";
export * from "./shared.ts";
export type { Barrier, BarrierOptions, ArriveResult } from "./toolkit/rendezvous/barrier.ts";
export type { CountDownOptions, Latch, LatchOptions } from "./toolkit/rendezvous/latch.ts";
export type { WaitOptions } from "./toolkit/options/wait-options.ts";
export type { LockNamespace, RendezvousNamespace } from "./transport/rpc/namespace.ts";
export type { PlacementOptions } from "./transport/rpc/placement.ts";
