/**
 * Distributed locks on Cloudflare Durable Objects.
 *
 * Export {@link DurableLock} from your Worker, and lock with {@link useDurableLock}.
 *
 * @module
 */
export { createLock } from "./client/create-lock.ts";
export type { HeldLease } from "./client/held-lease.ts";
export { type Lead, type Leadership, type LeadOptions, lead } from "./client/lead.ts";
export type { Failed, Lock, Ran, Result, Skipped, Success, Tried } from "./client/lock.ts";
export { type Leader, type ObserveOptions, observe } from "./client/observe.ts";
export { type OnceOptions, once } from "./client/once.ts";
export type {
  AcquireOptions,
  HoldOptions,
  RepeatOptions,
  ResumeOptions,
  RetryOptions,
  TryOptions,
} from "./client/options.ts";
export type { Binding, LockPrimitives } from "./client/primitives.ts";
export { type Barrier, type BarrierOptions, type Met, useBarrier } from "./client/use-barrier.ts";
export { useDurableLock } from "./client/use-durable-lock.ts";
export {
  type CountDownOptions,
  type Latch,
  type LatchOptions,
  type WaitOptions,
  useLatch,
} from "./client/use-latch.ts";
export { type ReadWriteLock, createReadWriteLock } from "./client/create-read-write-lock.ts";
export { useReadWriteLock } from "./client/use-read-write-lock.ts";
export { type Semaphore, type SemaphoreOptions, createSemaphore } from "./client/create-semaphore.ts";
export { useSemaphore } from "./client/use-semaphore.ts";
export type {
  WebLock,
  WebLockCallback,
  WebLockInfo,
  WebLockManager,
  WebLockMode,
  WebLockOptions,
  WebLockSnapshot,
} from "./client/web-lock-manager.ts";
export type { WebLocksOptions } from "./client/create-web-locks.ts";
export { webLocks } from "./client/web-locks.ts";
export type { Critical } from "./client/with-lock.ts";
export { type HeldLocks, type WithLocksOptions, withLocks } from "./client/with-locks.ts";
export type {
  AcquireReply,
  FailureReason,
  FollowReply,
  GrantReply,
  HoldNews,
  JobResult,
  KeptResult,
  LeaseEnd,
  HolderInBrief,
  LockHolder,
  LockStatus,
  LockWaiter,
  OnceReason,
  RefusalReply,
  ReleaseReply,
  TimelineEntry,
} from "./core/replies.ts";
export type { Caller, CallerOption } from "./core/caller.ts";
export type { ProtocolOption } from "./core/protocol.ts";
export type { Claim, LeaseTerms } from "./core/lease.ts";
export type { ConvertOptions, LockRequest, RequestOptions } from "./core/request.ts";
export type { Arrival } from "./core/barrier-state.ts";
export type { ArriveReply, BadArgument, BarrierBreak, LatchReply } from "./core/rendezvous.ts";
export {
  type LeaseLoss,
  LeaseLostError,
  LockError,
  type LockErrorCode,
  type LockErrorDetails,
  StaleLeaseError,
  isLockError,
} from "./errors.ts";
export { fenceD1 } from "./guards/d1-guard.ts";
export {
  type AdvanceFence,
  type Fence,
  type HeadersReader,
  type RequestHeaders,
  fenceHeaders,
  readFence,
  verifyFence,
} from "./guards/http-guard.ts";
export { type FencedR2Value, fenceR2 } from "./guards/r2-guard.ts";
export { fenceStorage } from "./guards/storage-guard.ts";
export type { Bond, News, Tie } from "./object/bond.ts";
export { DurableLock } from "./object/durable-lock.ts";
export { type Attendance, DurableRendezvous, type MeetingOutcome } from "./object/durable-rendezvous.ts";
export type { Place, Ticket, Turn } from "./object/ticket.ts";
