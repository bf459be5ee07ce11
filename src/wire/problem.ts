import type { HolderInBrief, LeaseEnd, RefusalReply } from "../core/replies.ts";

/** Why the service itself refuses, besides what the lock answers. */
type ServiceReason =
  | "UNAUTHORIZED"
  | "FORBIDDEN"
  | "NOT_FOUND"
  | "METHOD_NOT_ALLOWED"
  | "UNSUPPORTED_MEDIA_TYPE"
  | "PAYLOAD_TOO_LARGE"
  | "RATE_LIMITED"
  | "NOT_CONFIGURED"
  | "NOT_IMPLEMENTED"
  | "UNREACHABLE"
  | "VERSION_MISMATCH"
  | "INTERNAL";

/** Every reason that a problem can have; RECORDED is an answer and no problem. */
export type ProblemReason = ServiceReason | Exclude<RefusalReply["reason"], "RECORDED">;

/** What stands in the way, after RFC 9457. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  reason: ProblemReason;
  /** Which argument is wrong. */
  argument?: string;
  /** Milliseconds after which asking again makes sense. */
  retryAfter?: number;
  /** The token name has used up its share of the lock. */
  share?: true;
  /** If the caller keeps its queue entry and must ask again: how many are in the queue. */
  waiting?: number;
  /** With `waiting`: the caller's place in the queue, 1 for the next in line. */
  place?: number;
  /** How the lease ended. */
  ended?: LeaseEnd;
  /** Who holds the lock, the oldest first, 10 at most, and 3 with `waiting`; only for a token that may read. */
  holders?: HolderInBrief[];
  /** How many more hold it. */
  moreHolders?: number;
}

/** The status and title of each. 409 for contention: 423 is of WebDAV, where the resource itself is locked. */
export const PROBLEMS: Record<ProblemReason, [status: number, title: string]> = {
  INVALID_ARGUMENT: [400, "An argument is wrong"],
  VERSION_MISMATCH: [400, "The versions do not fit"],
  UNAUTHORIZED: [401, "No valid token"],
  FORBIDDEN: [403, "The token does not allow this"],
  OTHER_TOKEN: [403, "This belongs to another token"],
  NOT_FOUND: [404, "No such path"],
  METHOD_NOT_ALLOWED: [405, "Not by this method"],
  BORROWED: [409, "The lock is taken"],
  NO_LONGER_VALID: [410, "The lease has ended"],
  PAYLOAD_TOO_LARGE: [413, "The body is too large"],
  RESULT_TOO_LARGE: [413, "The result is too large to be kept"],
  UNSUPPORTED_MEDIA_TYPE: [415, "The body must be JSON"],
  FINGERPRINT_MISMATCH: [422, "The job has another payload"],
  RESULT_NOT_CLONEABLE: [422, "The result can't be carried"],
  RATE_LIMITED: [429, "Too many requests"],
  INTERNAL: [500, "The service failed"],
  NOT_IMPLEMENTED: [501, "Not turned on"],
  NOT_CONFIGURED: [503, "The service is not configured"],
  QUEUE_FULL: [503, "The queue is full"],
  TOO_MANY_LEASES: [503, "Too many leases are live"],
  UNREACHABLE: [503, "The lock could not be reached"],
};

/** A problem and what it says of this case. */
export function problemOf(
  reason: ProblemReason,
  detail: string,
  more: Pick<
    Problem,
    "argument" | "retryAfter" | "share" | "waiting" | "place" | "ended" | "holders" | "moreHolders"
  > = {},
): Problem {
  const [status, title] = PROBLEMS[reason];
  return { type: `urn:durable-locks:${reason}`, title, status, detail, reason, ...more };
}

const SERVICE_REASONS = new Set<string>([
  "UNAUTHORIZED",
  "FORBIDDEN",
  "NOT_FOUND",
  "METHOD_NOT_ALLOWED",
  "UNSUPPORTED_MEDIA_TYPE",
  "PAYLOAD_TOO_LARGE",
  "RATE_LIMITED",
  "NOT_CONFIGURED",
  "NOT_IMPLEMENTED",
  "UNREACHABLE",
  "VERSION_MISMATCH",
  "INTERNAL",
] satisfies ServiceReason[]);

/** The refusal of the lock, if that is what the problem is, and not one of the service itself. */
export function refusalOfProblem(problem: Problem): RefusalReply | undefined {
  const { reason, detail, argument, retryAfter, share } = problem;
  if (SERVICE_REASONS.has(reason) || reason === "OTHER_TOKEN") return undefined;
  return {
    success: false,
    reason: reason as RefusalReply["reason"],
    ...(argument !== undefined && { argument, message: detail }),
    ...(retryAfter !== undefined && { retryAfter }),
    ...(share && { share }),
    ...detailsOf(problem),
  };
}

type Details = Pick<Problem, "waiting" | "place" | "ended" | "holders" | "moreHolders">;

/** What a problem and a refusal of the lock say in the same words. */
export function detailsOf({ waiting, place, ended, holders, moreHolders }: Details): Details {
  return {
    ...(waiting !== undefined && { waiting }),
    ...(place !== undefined && { place }),
    ...(ended !== undefined && { ended }),
    ...(Array.isArray(holders) && { holders }),
    ...(moreHolders !== undefined && { moreHolders }),
  };
}
