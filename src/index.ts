/**
 * Distributed locks on Cloudflare Durable Objects.
 *
 * Export {@link DurableLock} from your Worker, and lock with {@link useDurableLock}.
 *
 * @module
 */
export { createLock } from "./client/create-lock.ts";
export type { HeldLease } from "./client/held-lease.ts";
export type { Failed, Lock, Ran, Result, Skipped, Success, Tried } from "./client/lock.ts";
export type {
  AcquireOptions,
  HoldOptions,
  RepeatOptions,
  ResumeOptions,
  RetryOptions,
  TryOptions,
} from "./client/options.ts";
export type { LockPrimitives } from "./client/primitives.ts";
export { useDurableLock } from "./client/use-durable-lock.ts";
export type { Critical } from "./client/with-lock.ts";
export type {
  AcquireReply,
  FailureReason,
  GrantReply,
  LeaseEnd,
  LockHolder,
  LockStatus,
  LockWaiter,
  RefusalReply,
  ReleaseReply,
} from "./core/replies.ts";
export type { Claim } from "./core/lease.ts";
export type { LockRequest, RequestOptions } from "./core/request.ts";
export {
  type LeaseLoss,
  LeaseLostError,
  LockError,
  type LockErrorCode,
  type LockErrorDetails,
  isLockError,
} from "./errors.ts";
export { DurableLock } from "./object/durable-lock.ts";
export type { Place, Ticket, Turn } from "./object/ticket.ts";
