/**
 * Locks of a lock service, over HTTP: for Node, Deno, Bun, and pages of the service's own origin, without anything that needs Cloudflare.
 *
 * Begin with {@link connectLocks}.
 *
 * @module
 */
export { type LockConnection, connectLocks } from "./remote/connect-locks.ts";
export type { ConnectOptions, Fetching } from "./remote/service-access.ts";
export type { WebLocksOptions } from "./client/create-web-locks.ts";
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
export { type ReadWriteLock, createReadWriteLock } from "./client/create-read-write-lock.ts";
export { type Semaphore, type SemaphoreOptions, createSemaphore } from "./client/create-semaphore.ts";
export type {
  WebLock,
  WebLockCallback,
  WebLockInfo,
  WebLockManager,
  WebLockMode,
  WebLockOptions,
  WebLockSnapshot,
} from "./client/web-lock-manager.ts";
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
  HolderInBrief,
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
  StaleLeaseError,
  isLockError,
} from "./errors.ts";
export {
  type AdvanceFence,
  type Fence,
  type HeadersReader,
  type RequestHeaders,
  fenceHeaders,
  readFence,
  verifyFence,
} from "./guards/http-guard.ts";
