export type { ConvertOptions, LockRequest, RequestOptions } from "./core/request.ts";
export type { Claim, Job, LeaseTerms } from "./core/leases/lease.ts";
export type {
  AcquireReply,
  BadArgument,
  BorrowedReply,
  EndedReply,
  FailureReason,
  FullReply,
  GrantReply,
  HolderInBrief,
  HoldNews,
  JobResult,
  KeptResult,
  LeaseEnd,
  LockHolder,
  LockStatus,
  LockWaiter,
  OnceReason,
  OtherPayloadReply,
  OtherTokenReply,
  RecordedReply,
  RefusalReply,
  ReleaseReply,
  RenewReply,
  UnkeepableReply,
} from "./core/replies.ts";
export * from "./fencing.ts";
export type { HeldLease } from "./hold/held-lease.ts";
export type { Critical } from "./hold/work.ts";
export { createLock } from "./toolkit/create-lock.ts";
export { type Lead, type Leadership, type LeadOptions, lead } from "./toolkit/lead.ts";
export type { Failed, Lock, Ran, RepeatOptions, Result, Skipped, Success, Tried } from "./toolkit/lock.ts";
export { type HeldLocks, type WithLocksOptions, withLocks } from "./toolkit/many-locks.ts";
export { type Leader, type ObserveOptions, observe } from "./toolkit/observe.ts";
export { type OnceOptions, once } from "./toolkit/once.ts";
export type { AcquireOptions, RetryOptions } from "./toolkit/options/acquire-options.ts";
export type { HoldOptions, ResumeOptions, TryOptions } from "./toolkit/options/hold-options.ts";
export { type ReadWriteLock, createReadWriteLock } from "./toolkit/read-write-lock.ts";
export { type Semaphore, type SemaphoreOptions, createSemaphore } from "./toolkit/semaphore.ts";
export type { WebLocksOptions } from "./toolkit/web-locks/create-web-locks.ts";
export type {
  WebLock,
  WebLockCallback,
  WebLockInfo,
  WebLockManager,
  WebLockMode,
  WebLockOptions,
  WebLockSnapshot,
} from "./toolkit/web-locks/web-lock-manager.ts";
export type { Binding, LockPrimitives } from "./transport/primitives.ts";
