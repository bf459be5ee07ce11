import type { Claim } from "./leases/lease.ts";

/**
 * Why a request was refused: an expected outcome, not an exception.
 *
 * - `BORROWED`: someone else holds the lock, or is waiting for it ahead of you.
 * - `NO_LONGER_VALID`: the lease was released, has expired or was taken over, or the request was cancelled.
 * - `QUEUE_FULL`: 10,000 callers are already waiting, or 5,000 of your token name of the lock service.
 * - `TOO_MANY_LEASES`: 10,000 leases are already live, or 5,000 of your token name of the lock service.
 */
export type RefusalReason = "BORROWED" | "NO_LONGER_VALID" | "QUEUE_FULL" | "TOO_MANY_LEASES";

/**
 * Further reasons for a refusal, which only requests for a once-only job (with `once`) get.
 *
 * - `FINGERPRINT_MISMATCH`: the job was started before, with a different payload.
 * - `RESULT_TOO_LARGE`, `RESULT_NOT_CLONEABLE`: the result can't be stored; the lease is unchanged.
 */
export type OnceRefusalReason = "FINGERPRINT_MISMATCH" | "RESULT_TOO_LARGE" | "RESULT_NOT_CLONEABLE";

/** The outcome of a job, which is stored with the release of its lease. */
export interface JobResult {
  /** What the job returned, or why it failed: a structured clone of up to 2 MB, nested 1,000 levels deep at most. */
  value: unknown;
  /** Whether the job failed. */
  failed: boolean;
  /** How long to keep the result, in milliseconds. */
  retain: number;
}

/** How a lease ended. */
export type LeaseEnd = "released" | "expired" | "superseded";

/** The object's reply to a granted, renewed or converted lease. */
export interface GrantReply {
  /** True for a grant. */
  success: true;
  /** The lease number: pass it to renew and release, and use it as the fencing token. */
  lease: number;
  /**
   * When the lease ends by the object's clock (ms since the epoch).
   *
   * For people; never compare it with your own clock.
   */
  deadline: number;
  /** For how many milliseconds the lease is valid, counted from when this request reached the object. */
  validFor: number;
  /** Whether the holder is asked to release. */
  releaseRequested?: boolean;
}

/** Someone else holds the lock, or is waiting for it ahead of you. */
export interface BorrowedReply {
  /** False for a refusal. */
  success: false;
  /** Why the request was refused. */
  reason: "BORROWED";
  /** Milliseconds until the first live lease or lock-delay ends, if no lease is renewed. */
  retryAfter?: number;
  /** Present if the caller keeps its queue entry and must ask again: how many waiters are in the queue. */
  waiting?: number;
  /** With `waiting`: the caller's position in the queue, 1 for the next in line. */
  place?: number;
  /** From `acquire`: who holds the lock, oldest first; 10 at most, and 3 with `waiting`. */
  holders?: HolderSummary[];
  /** With `holders`: how many more holders there are, if any. */
  moreHolders?: number;
}

/** The lease has ended, or the request was cancelled. */
export interface LeaseEndedReply {
  /** False for a refusal. */
  success: false;
  /** Why the request was refused. */
  reason: "NO_LONGER_VALID";
  /** How the lease ended, if the object still knows. */
  ended?: LeaseEnd;
}

/** The lock allows no further waiter, or no further lease. */
export interface LimitReachedReply {
  /** False for a refusal. */
  success: false;
  /** Why the request was refused. */
  reason: "QUEUE_FULL" | "TOO_MANY_LEASES";
  /** Present if your token name has used up its share of the lock. */
  share?: true;
  /** From the lock service: after how many milliseconds a retry makes sense. */
  retryAfter?: number;
}

/** The job was started before, with a different payload. */
export interface FingerprintMismatchReply {
  /** False for a refusal. */
  success: false;
  /** Why the request was refused. */
  reason: "FINGERPRINT_MISMATCH";
}

/** The result of a job can't be stored, and the lease is unchanged; or the transport can't carry the result to you. */
export interface ResultRefusedReply {
  /** False for a refusal. */
  success: false;
  /** Why the request was refused. */
  reason: "RESULT_TOO_LARGE" | "RESULT_NOT_CLONEABLE";
  /** What is wrong with the result, if known. */
  message?: string;
}

/** The lease or the request belongs to another token name. Only the lock service gets this reply. */
export interface OtherTokenReply {
  /** False for a refusal. */
  success: false;
  /** Why the request was refused. */
  reason: "OTHER_TOKEN";
}

/**
 * The object's reply to a bad argument, or to a caller that speaks another protocol. The call had no effect.
 *
 * Only the object itself replies like this: `useDurableLock` throws a `LockError` instead.
 */
export interface BadArgumentReply {
  /** False for a refusal. */
  success: false;
  /** Why the call was refused. */
  reason: "INVALID_ARGUMENT" | "VERSION_MISMATCH";
  /** The name of the invalid argument. */
  argument: string;
  /** What is wrong. */
  message: string;
}

/** Any refusal by the object; its `reason` says which fields it can have. */
export type RefusalReply =
  | BorrowedReply
  | LeaseEndedReply
  | LimitReachedReply
  | FingerprintMismatchReply
  | ResultRefusedReply
  | OtherTokenReply
  | BadArgumentReply;

/** The reply to a request for a job that has already run: the job's result, instead of a lease. */
export interface RecordedReply {
  /** False, although this is no refusal: clients of every version recognise it by this and by its reason. */
  success: false;
  /** Distinguishes it from a refusal. */
  reason: "RECORDED";
  /** The outcome of the job. */
  result: RecordedResult;
}

/** The job has a result. The state machine does not know its value. */
export type RecordedDecision = Omit<RecordedReply, "result">;

/** The stored outcome of a once-only job. */
export interface RecordedResult {
  /** What the job returned, or why it failed. */
  value: unknown;
  /** Whether the job failed. */
  failed: boolean;
  /** The lease under which it ran. */
  lease: number;
}

/** What the state machine decides about a request for the lock. */
export type Decision = GrantReply | RecordedDecision | RefusalReply;

/** The object's reply to a request for the lock: a lease, the result of the job, or a refusal. */
export type AcquireReply = GrantReply | RecordedReply | RefusalReply;

/** The object's reply to a renewal or a conversion. */
export type RenewReply = GrantReply | RefusalReply;

/** The object's reply to a release. */
export type ReleaseReply = true | RefusalReply;

/** A live lease, as `status()` shows it. */
export interface LockHolder extends Claim {
  /** The lease number. */
  lease: number;
  /** The holder's label. */
  owner?: string;
  /** When the lease was granted, by the object's clock (ms since the epoch). */
  since: number;
  /** How long the lease lasts from its last renewal, in milliseconds. Absent if the object runs an older version. */
  ttl?: number;
  /**
   * When the lease was last renewed, or granted if it never was renewed, by the object's clock (ms since the epoch).
   *
   * Absent if the object runs an older version.
   */
  renewedAt?: number;
  /** When the lease ends unless renewed, by the object's clock (ms since the epoch): `renewedAt + ttl`. */
  deadline: number;
  /** Whether the holder is asked to release. */
  releaseRequested?: boolean;
}

/** A live lease, as a refusal shows it. */
export type HolderSummary = Pick<LockHolder, "lease" | "owner" | "since" | "deadline">;

/** A waiter, as `status()` shows it. */
export interface LockWaiter extends Claim {
  /** The waiter's label. */
  owner?: string;
  /** How long the waiter has waited, in milliseconds. */
  waited: number;
}

/** A snapshot of a lock, which may have changed by the time you read it. */
export interface LockStatus {
  /** Whether any lease is live. */
  locked: boolean;
  /** The live leases, oldest first. */
  holders: LockHolder[];
  /** The queue, next in line first. */
  waiters: LockWaiter[];
  /** During a lock-delay after an expiry: when the delay ends, by the object's clock (ms since the epoch). */
  delayedUntil?: number;
}

/** Something that happened to a lock. */
export interface TimelineEntry {
  /** When it happened, by the object's clock (ms since the epoch). */
  at: number;
  /** The lease that it happened to. */
  lease: number;
  /** The holder's label. */
  owner?: string;
  /** What happened. */
  what: "granted" | LeaseEnd;
}

/** The object's reply to a caller that follows a lock. */
export interface FollowReply {
  /** Changes with every change of the status. */
  revision: string;
  /** Who holds the lock and who is waiting. */
  status: LockStatus;
  /** The object's clock (ms since the epoch). Compare the other times with this one. */
  now: number;
  /**
   * The latest events, oldest first, 50 at most.
   *
   * Only events that happened while someone followed the lock are recorded.
   */
  timeline: TimelineEntry[];
}

/** What an exit watch tells the holder while it holds the lease. */
export interface LeaseEvent {
  /** How the lease ended, if it has ended. */
  ended?: LeaseEnd;
  /** Whether the holder is asked to release. */
  releaseRequested?: boolean;
}
