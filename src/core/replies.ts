import type { Claim } from "./leases/lease.ts";

/**
 * Why a request was refused: an expected outcome, not an exception.
 *
 * - `BORROWED`: somebody else holds the lock, or waits for it ahead of you.
 * - `NO_LONGER_VALID`: the lease was released, has expired or was taken over; or the request was cancelled.
 * - `QUEUE_FULL`: 10,000 callers are waiting already, or 5,000 of one token name of the lock service.
 * - `TOO_MANY_LEASES`: 10,000 leases are live already, or 5,000 of one token name of the lock service.
 */
export type FailureReason = "BORROWED" | "NO_LONGER_VALID" | "QUEUE_FULL" | "TOO_MANY_LEASES";

/**
 * What can be said of a job that runs once, besides: only requests with `once` get these.
 *
 * - `RECORDED`: it has run, and this is its result.
 * - `FINGERPRINT_MISMATCH`: it ran, or runs, for another payload.
 * - `RESULT_TOO_LARGE`, `RESULT_NOT_CLONEABLE`: its result can't be stored; the lease is as it was.
 */
export type OnceReason = "RECORDED" | "FINGERPRINT_MISMATCH" | "RESULT_TOO_LARGE" | "RESULT_NOT_CLONEABLE";

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

/** A refusal, as the object answers it. */
export interface RefusalReply {
  /** Tells it from a grant. */
  success: false;
  /**
   * Why; a bad argument is a reply of the object only, `useDurableLock` throws a `LockError` for it.
   *
   * Only the lock service gets `OTHER_TOKEN`: the lease or request belongs to the name of another token. A client of
   * another protocol gets `VERSION_MISMATCH`, and its call has had no effect.
   */
  reason: FailureReason | OnceReason | "INVALID_ARGUMENT" | "OTHER_TOKEN" | "VERSION_MISMATCH";
  /** With `BORROWED`: milliseconds until the first live lease ends if nobody renews it. */
  retryAfter?: number;
  /** With `QUEUE_FULL` and `TOO_MANY_LEASES`: your token name has used up its share of the lock. */
  share?: true;
  /** With `BORROWED`, if the caller keeps its queue entry and must ask again: how many are in the queue. */
  waiting?: number;
  /** With `waiting`: the caller's place in the queue, 1 for the next in line. */
  place?: number;
  /** With `BORROWED`, from `acquire`: who holds the lock, the oldest first; 10 at most, and 3 with `waiting`. */
  holders?: HolderInBrief[];
  /** With `holders`: how many more there are, if any. */
  moreHolders?: number;
  /** With `NO_LONGER_VALID`: how the lease ended, where the object still knows. */
  ended?: LeaseEnd;
  /** With `INVALID_ARGUMENT`: which argument. */
  argument?: string;
  /** With `INVALID_ARGUMENT`: what is wrong with it. */
  message?: string;
  /** With `RECORDED`: what the job came to. */
  result?: KeptResult;
}

/** The stored outcome of a job that ran once. */
export interface KeptResult {
  /** What the job returned, or why it failed. */
  value: unknown;
  /** Whether it failed. */
  failed: boolean;
  /** The lease under which it ran. */
  lease: number;
}

/** What the object answers to an acquire or a renewal. */
export type AcquireReply = GrantReply | RefusalReply;

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
export type HolderInBrief = Pick<LockHolder, "lease" | "owner" | "since" | "deadline">;

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
export interface HoldNews {
  /** The lease has ended, and how. */
  ended?: LeaseEnd;
  /** The holder is asked to release. */
  releaseRequested?: boolean;
}

/** What is answered to whoever gave a bad argument, or another number than the others. */
export interface BadArgument {
  /** Tells it from a success. */
  success: false;
  /** What it is. */
  reason: "INVALID_ARGUMENT" | "VERSION_MISMATCH";
  /** Which argument. */
  argument: string;
  /** What is wrong with it. */
  message: string;
}
