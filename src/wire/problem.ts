import type { HolderSummary, LeaseEnd, RefusalReply } from "../core/replies.ts";

/** Why the service itself refuses, as opposed to the lock. */
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

/** Every reason of a problem. RECORDED is an answer and not a problem. */
export type ProblemReason = ServiceReason | RefusalReply["reason"];

/** Problem details after RFC 9457. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  reason: ProblemReason;
  /** Which argument is wrong. */
  argument?: string;
  /** How long to wait before you try again, in milliseconds. */
  retryAfter?: number;
  /** The token name has used up its share of the lock. */
  share?: true;
  /** If the caller keeps its queue entry and must ask again: how many are in the queue. */
  waiting?: number;
  /** With `waiting`: the caller's position in the queue, 1 for the next in line. */
  place?: number;
  /** How the lease ended. */
  ended?: LeaseEnd;
  /** Who holds the lock, the oldest first, 10 at most, and 3 with `waiting`; only for a token that may read. */
  holders?: HolderSummary[];
  /** How many more hold the lock. */
  moreHolders?: number;
}

/** The status and title of each reason. Contention is 409: WebDAV uses 423 if the resource itself is locked. */
export const PROBLEMS: Record<ProblemReason, [status: number, title: string]> = {
  INVALID_ARGUMENT: [400, "An argument is wrong"],
  VERSION_MISMATCH: [400, "The versions are incompatible"],
  UNAUTHORIZED: [401, "No valid token"],
  FORBIDDEN: [403, "The token does not allow this"],
  OTHER_TOKEN: [403, "This belongs to another token"],
  NOT_FOUND: [404, "No such path"],
  METHOD_NOT_ALLOWED: [405, "Method not allowed"],
  BORROWED: [409, "The lock is taken"],
  NO_LONGER_VALID: [410, "The lease has ended"],
  PAYLOAD_TOO_LARGE: [413, "The body is too large"],
  RESULT_TOO_LARGE: [413, "The result is too large to store"],
  UNSUPPORTED_MEDIA_TYPE: [415, "The body must be JSON"],
  FINGERPRINT_MISMATCH: [422, "The job has another payload"],
  RESULT_NOT_CLONEABLE: [422, "The result can't be carried"],
  RATE_LIMITED: [429, "Too many requests"],
  INTERNAL: [500, "The service failed"],
  NOT_IMPLEMENTED: [501, "Not enabled"],
  NOT_CONFIGURED: [503, "The service is not configured"],
  QUEUE_FULL: [503, "The queue is full"],
  TOO_MANY_LEASES: [503, "Too many leases are live"],
  UNREACHABLE: [503, "The lock could not be reached"],
};

/** The details of one occurrence of a problem. */
type Details = Omit<Problem, "type" | "title" | "status" | "detail" | "reason">;

/** A problem with the details of this occurrence. */
export function problemOf(reason: ProblemReason, detail: string, more: Details = {}): Problem {
  const [status, title] = PROBLEMS[reason];
  return { type: `urn:durable-locks:${reason}`, title, status, detail, reason, ...more };
}

/** The refusal by the lock that a problem stands for; undefined if the service itself refused. */
export function refusalOfProblem({ reason, detail, ...more }: Problem): RefusalReply | undefined {
  const success = false;
  switch (reason) {
    case "BORROWED":
      return { success, reason, ...detailsOf(more, "retryAfter", "waiting", "place", "holders", "moreHolders") };
    case "NO_LONGER_VALID":
      return { success, reason, ...detailsOf(more, "ended") };
    case "QUEUE_FULL":
    case "TOO_MANY_LEASES":
      return { success, reason, ...detailsOf(more, "retryAfter", "share") };
    case "FINGERPRINT_MISMATCH":
    case "RESULT_TOO_LARGE":
    case "RESULT_NOT_CLONEABLE":
      return { success, reason };
    case "INVALID_ARGUMENT":
      return { success, reason, argument: more.argument ?? "body", message: detail };
    default:
      return undefined;
  }
}

/** The named details that are present. They have the same names in a refusal by the lock. */
export function detailsOf<K extends keyof Details>(from: Details, ...names: K[]): Pick<Details, K> {
  const isList = Array.isArray(from.holders);
  return Object.fromEntries(
    names.filter((name) => (name === "holders" ? isList : from[name] !== undefined)).map((name) => [name, from[name]]),
  ) as Pick<Details, K>;
}
