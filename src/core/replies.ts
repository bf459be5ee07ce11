import type { Claim } from "./leases/lease.ts";

/**
 * Why a request was refused: an expected outcome, not an exception.
 *
 * - `BORROWED`: somebody else holds the lock, or waits for it ahead of you.
 * - `NO_LONGER_VALID`: the lease was released, has expired or was taken over; or the request was cancelled.
 * - `QUEUE_FULL`: 10,000 callers are waiting already, or 5,000 of one token name of the lock service.
 * - `TOO_MANY_LEASES`: 10,000 leases are live already, or 5,000 of one token name of the lock service.
 */
export type RefusalReason = "BORROWED" | "NO_LONGER_VALID" | "QUEUE_FULL" | "TOO_MANY_LEASES";

/**
 * Why a job that runs once was refused, besides: only requests with `once` get these.
 *
 * - `FINGERPRINT_MISMATCH`: it ran, or runs, for another payload.
 * - `RESULT_TOO_LARGE`, `RESULT_NOT_CLONEABLE`: its result can't be stored; the lease is as it was.
 */
export type OnceRefusalReason = "FINGERPRINT_MISMATCH" | "RESULT_TOO_LARGE" | "RESULT_NOT_CLONEABLE";

/** The outcome of a job, to be stored with the release of its lease. */
export interface JobResult {
  /** What the job returned, or why it failed: a structured clone of up to 2 MB, nested 1,000 levels deep at most. */
  value: unknown;
  /** Whether it failed. */
  failed: boolean;
  /** How long to keep it, in milliseconds. */
  retain: number;
}

/** How a lease came to its end. */
export type LeaseEnd = "released" | "expired" | "superseded";

/** A grant or renewal, as the object answers it. */
export interface GrantReply {
  /** Tells it from a refusal. */
  success: true;
  /** The lease number: pass it to renew and release, and use it as the fencing token. */
  lease: number;
  /** When the lease ends by the object's clock (ms since the epoch): for people, never to be compared with your clock. */
  deadline: number;
  /** Milliseconds for which the lease is good, counted from when the request of this reply reached the object. */
  validFor: number;
  /** Whether the holder is asked to release. */
  releaseRequested?: boolean;
}

/** Somebody else holds the lock, or waits for it ahead of you. */
export interface BorrowedReply {
  /** Tells it from a grant. */
  success: false;
  /** Why. */
  reason: "BORROWED";
  /** Milliseconds until the first live lease ends if nobody renews it. */
  retryAfter?: number;
  /** If the caller keeps its queue entry and must ask again: how many are in the queue. */
  waiting?: number;
  /** With `waiting`: the caller's place in the queue, 1 for the next in line. */
  place?: number;
  /** From `acquire`: who holds the lock, the oldest first; 10 at most, and 3 with `waiting`. */
  holders?: HolderSummary[];
  /** With `holders`: how many more there are, if any. */
  moreHolders?: number;
}

/** The lease has ended, or the request was cancelled. */
export interface LeaseEndedReply {
  /** Tells it from a grant. */
  success: false;
  /** Why. */
  reason: "NO_LONGER_VALID";
  /** How the lease ended, where the object still knows. */
  ended?: LeaseEnd;
}

/** The lock admits no further waiter, or no further lease. */
export interface LimitReachedReply {
  /** Tells it from a grant. */
  success: false;
  /** Why. */
  reason: "QUEUE_FULL" | "TOO_MANY_LEASES";
  /** Your token name has used up its share of the lock. */
  share?: true;
  /** From the lock service: milliseconds after which asking again makes sense. */
  retryAfter?: number;
}

/** The job ran, or runs, for another payload. */
export interface FingerprintMismatchReply {
  /** Tells it from a grant. */
  success: false;
  /** Why. */
  reason: "FINGERPRINT_MISMATCH";
}

/** The result of a job can't be stored, and the lease is as it was; or it can't be carried to you. */
export interface ResultRefusedReply {
  /** Tells it from a grant. */
  success: false;
  /** Why. */
  reason: "RESULT_TOO_LARGE" | "RESULT_NOT_CLONEABLE";
  /** What is wrong with the result, where that is known. */
  message?: string;
}

/** The lease, or the request, belongs to the name of another token. Only the lock service gets this. */
export interface OtherTokenReply {
  /** Tells it from a grant. */
  success: false;
  /** Why. */
  reason: "OTHER_TOKEN";
}

/**
 * What the object answers to a bad argument, or to a call of another protocol; the call has had no effect.
 *
 * It is a reply of the object only: `useDurableLock` throws a `LockError` for it.
 */
export interface BadArgumentReply {
  /** Tells it from a success. */
  success: false;
  /** What it is. */
  reason: "INVALID_ARGUMENT" | "VERSION_MISMATCH";
  /** Which argument. */
  argument: string;
  /** What is wrong with it. */
  message: string;
}

/** A refusal, as the object answers it: its `reason` tells which fields it can have. */
export type RefusalReply =
  | BorrowedReply
  | LeaseEndedReply
  | LimitReachedReply
  | FingerprintMismatchReply
  | ResultRefusedReply
  | OtherTokenReply
  | BadArgumentReply;

/** The answer to a request for a job that has run: its result, instead of a lease. */
export interface RecordedReply {
  /** Tells it from a grant. It is no refusal, but the clients of every version know it by this and by its reason. */
  success: false;
  /** Tells it from a refusal. */
  reason: "RECORDED";
  /** What the job came to. */
  result: RecordedResult;
}

/** There is a result of the job. What it is, the state machine does not know. */
export type RecordedDecision = Omit<RecordedReply, "result">;

/** The stored outcome of a job that ran once. */
export interface RecordedResult {
  /** What the job returned, or why it failed. */
  value: unknown;
  /** Whether it failed. */
  failed: boolean;
  /** The lease under which it ran. */
  lease: number;
}

/** What the state machine decides about a request for the lock. */
export type Decision = GrantReply | RecordedDecision | RefusalReply;

/** What the object answers to a request for the lock: a lease, the result of the job, or a refusal. */
export type AcquireReply = GrantReply | RecordedReply | RefusalReply;

/** What the object answers to a renewal or a conversion. */
export type RenewReply = GrantReply | RefusalReply;

/** What the object answers to a release. */
export type ReleaseReply = true | RefusalReply;

/** A live lease, as `status()` shows it. */
export interface LockHolder extends Claim {
  /** The lease number. */
  lease: number;
  /** The label that the holder gave itself. */
  owner?: string;
  /** When it was granted, by the object's clock (ms since the epoch). */
  since: number;
  /** How long it lasts from its last renewal, in milliseconds. Absent if the object's version does not tell it. */
  ttl?: number;
  /**
   * When it was last renewed, or granted if it never was, by the object's clock (ms since the epoch).
   *
   * Absent if the object's version does not tell it.
   */
  renewedAt?: number;
  /** When it ends unless renewed, by the object's clock (ms since the epoch): `renewedAt + ttl`. */
  deadline: number;
  /** Whether it is asked to release. */
  releaseRequested?: boolean;
}

/** A live lease, as a refusal names it. */
export type HolderSummary = Pick<LockHolder, "lease" | "owner" | "since" | "deadline">;

/** A caller in the queue, as `status()` shows it. */
export interface LockWaiter extends Claim {
  /** The label that the waiter gave itself. */
  owner?: string;
  /** How long it has waited, in milliseconds. */
  waited: number;
}

/** A snapshot of a lock: it may have changed by the time you read it. */
export interface LockStatus {
  /** Whether any lease is live. */
  locked: boolean;
  /** The live leases, oldest first. */
  holders: LockHolder[];
  /** The queue, next in line first. */
  waiters: LockWaiter[];
  /** With a lock-delay after an expiry: until when it lasts, by the object's clock (ms since the epoch). */
  delayedUntil?: number;
}

/** Something that happened to a lock. */
export interface TimelineEntry {
  /** When, by the object's clock (ms since the epoch). */
  at: number;
  /** The lease that it happened to. */
  lease: number;
  /** The label that its holder gave itself. */
  owner?: string;
  /** What happened. */
  what: "granted" | LeaseEnd;
}

/** What a follower of a lock is told. */
export interface FollowReply {
  /** Tells this state of the lock from every other, as the status shows it. */
  revision: string;
  /** Who holds the lock and who waits. */
  status: LockStatus;
  /** The object's clock (ms since the epoch): what the other times are to be compared with. */
  now: number;
  /** The latest events, oldest first, as far as they were followed; 50 at most. */
  timeline: TimelineEntry[];
}

/** What the holder of a bound lease is told while it holds. */
export interface LeaseEvent {
  /** The lease has ended, and how. */
  ended?: LeaseEnd;
  /** The holder is asked to release. */
  releaseRequested?: boolean;
}
