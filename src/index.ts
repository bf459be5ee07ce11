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
export { type Leader, observe } from "./client/observe.ts";
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
export { useDurableLock } from "./client/use-durable-lock.ts";
export { type ReadWriteLock, useReadWriteLock } from "./client/use-read-write-lock.ts";
export { type Semaphore, type SemaphoreOptions, useSemaphore } from "./client/use-semaphore.ts";
export type {
  WebLock,
  WebLockCallback,
  WebLockInfo,
  WebLockManager,
  WebLockMode,
  WebLockOptions,
  WebLockSnapshot,
} from "./client/web-lock-manager.ts";
export { type WebLocksOptions, webLocks } from "./client/web-locks.ts";
export type { Critical } from "./client/with-lock.ts";
export { type HeldLocks, type WithLocksOptions, withLocks } from "./client/with-locks.ts";
export type {
  AcquireReply,
  FailureReason,
  GrantReply,
  HoldNews,
  JobResult,
  KeptResult,
  LeaseEnd,
  LockHolder,
  LockStatus,
  LockWaiter,
  OnceReason,
  RefusalReply,
  ReleaseReply,
} from "./core/replies.ts";
export type { Claim, LeaseTerms } from "./core/lease.ts";
export type { ConvertOptions, LockRequest, RequestOptions } from "./core/request.ts";
export {
  type LeaseLoss,
  LeaseLostError,
  LockError,
  type LockErrorCode,
  type LockErrorDetails,
  isLockError,
} from "./errors.ts";
export type { Bond, News, Tie } from "./object/bond.ts";
export { DurableLock } from "./object/durable-lock.ts";
export type { Place, Ticket, Turn } from "./object/ticket.ts";
