export type { ConvertOptions, LockRequest, RequestOptions } from "./core/request.ts";
export type { Claim, Job, LeaseSpec } from "./core/leases/lease.ts";
export type {
  AcquireReply,
  BadArgumentReply,
  BorrowedReply,
  LeaseEndedReply,
  RefusalReason,
  LimitReachedReply,
  GrantReply,
  HolderSummary,
  LeaseEvent,
  JobResult,
  RecordedResult,
  LeaseEnd,
  LockHolder,
  LockStatus,
  LockWaiter,
  OnceRefusalReason,
  FingerprintMismatchReply,
  OtherTokenReply,
  RecordedReply,
  RefusalReply,
  ReleaseReply,
  RenewReply,
  ResultRefusedReply,
} from "./core/replies.ts";
export * from "./fencing.ts";
export type { HeldLease } from "./hold/held-lease.ts";
export type { CriticalSection } from "./hold/work.ts";
export { createLock } from "./toolkit/create-lock.ts";
export { type LeaderWork, type Leadership, type LeadOptions, lead } from "./toolkit/lead.ts";
export type {
  Refusal,
  Lock,
  WorkDone,
  RequestIdOption,
  LeaseResult,
  WorkSkipped,
  LeaseGrant,
  TryResult,
} from "./toolkit/lock.ts";
export { type HeldLocks, type WithLocksOptions, withLocks } from "./toolkit/many-locks.ts";
export { type Leader, type ObserveOptions, observe } from "./toolkit/observe.ts";
export { type OnceOptions, once } from "./toolkit/once.ts";
export type { AcquireOptions, RetryOptions } from "./toolkit/options/acquire-options.ts";
export type { HoldOptions, ResumeOptions, TryOptions } from "./toolkit/options/hold-options.ts";
export { type ReadWriteLock, createReadWriteLock } from "./toolkit/read-write-lock.ts";
export { type Semaphore, type SemaphoreOptions, createSemaphore } from "./toolkit/semaphore.ts";
export type { WebLockManagerOptions } from "./toolkit/web-locks/create-web-locks.ts";
export type {
  WebLock,
  WebLockCallback,
  WebLockInfo,
  WebLockManager,
  WebLockMode,
  WebLockOptions,
  WebLockSnapshot,
} from "./toolkit/web-locks/web-lock-manager.ts";
export type { ExitWatch, LockPrimitives } from "./transport/primitives.ts";
