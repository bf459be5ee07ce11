import { LIMITS } from "../../core/limits.ts";
import type { BadArgumentReply, LimitReachedReply, RefusalReply } from "../../core/replies.ts";
import type { LockError } from "../../errors.ts";
import type { Fault } from "../../transport/fault.ts";
import { reasonOf } from "../../transport/outage.ts";
import { type Problem, type ProblemReason, detailsOf, problemOf } from "../../wire/problem.ts";

/** Ends a request with a problem. */
export class ProblemError extends Error {
  readonly problem: Problem;
  readonly headers: Record<string, string>;

  constructor(problem: Problem, headers: Record<string, string> = {}) {
    super(problem.detail);
    this.problem = problem;
    this.headers = headers;
  }
}

/** A refusal by the service itself, not by the lock. */
export function refused(
  reason: ProblemReason,
  detail: string,
  more?: Parameters<typeof problemOf>[2],
  headers?: Record<string, string>,
): ProblemError {
  return new ProblemError(problemOf(reason, detail, more), headers);
}

/** How long a client should wait before it retries something that is overloaded or down, in milliseconds. */
const COME_BACK_IN = 1_000;

const DETAILS: Record<Exclude<RefusalReply, BadArgumentReply>["reason"], string> = {
  BORROWED:
    "Another caller holds the lock or is ahead of you in the queue. Send `wait` to join the queue, or try again later.",
  NO_LONGER_VALID: "The lease has ended, or its request was cancelled. Acquire again with a new requestId.",
  QUEUE_FULL: "The lock's queue is full: shed load.",
  TOO_MANY_LEASES: "The lock has as many live leases as a lock may have: split it into several locks.",
  OTHER_TOKEN:
    'The lease or request belongs to a token with another name. Only a token with that name, or one that also has the action "admin", may do this.',
  FINGERPRINT_MISMATCH: "The job was started before, with another payload: the same id is used for two different jobs.",
  RESULT_TOO_LARGE: "The result is too large to store, and the lease is unchanged. Release it with a smaller result.",
  RESULT_NOT_CLONEABLE:
    "The result can't be stored, and the lease is unchanged. Release it with plain JSON or a valid `encoded`.",
};

const DETAILS_OF_SHARE: Record<LimitReachedReply["reason"], string> = {
  QUEUE_FULL: `This token has used up its share of the queue (${LIMITS.maxWaitersPerToken} waiting requests on a lock): shed load.`,
  TOO_MANY_LEASES: `This token has used up its share of the leases (${LIMITS.maxLeasesPerToken} live leases on a lock): release some, or split the lock.`,
};

/** A refusal by the lock, as a problem. */
export function refusedBy(refusal: RefusalReply): ProblemError {
  switch (refusal.reason) {
    case "INVALID_ARGUMENT":
    case "VERSION_MISMATCH": {
      const { reason, argument, message } = refusal;
      return refused(reason, message, argument === "" ? {} : { argument });
    }
    case "QUEUE_FULL":
    case "TOO_MANY_LEASES": {
      const { reason, share, retryAfter = COME_BACK_IN } = refusal;
      return refused(reason, (share ? DETAILS_OF_SHARE : DETAILS)[reason], { retryAfter, ...(share && { share }) });
    }
    case "BORROWED": {
      const details = detailsOf(refusal, "retryAfter", "waiting", "place", "holders", "moreHolders");
      return refused(refusal.reason, DETAILS.BORROWED, details);
    }
    case "NO_LONGER_VALID":
      return refused(refusal.reason, DETAILS.NO_LONGER_VALID, detailsOf(refusal, "ended"));
    default:
      return refused(refusal.reason, DETAILS[refusal.reason]);
  }
}

/** The outcome of the call is unknown, so the client can repeat it with the same requestId. */
export function unreachable(error: LockError): ProblemError {
  return unansweredBecause(error, error.retryAfter ?? COME_BACK_IN);
}

/** The same for a waiter. It gets `Retry-After` only if the object is overloaded; otherwise it picks its own delay. */
export function unreachableInLine(error: LockError): ProblemError {
  const { overloaded = false } = (error.cause ?? {}) as Partial<Fault>;
  return unansweredBecause(error, error.retryAfter ?? (overloaded ? COME_BACK_IN : undefined));
}

function unansweredBecause({ cause }: LockError, retryAfter: number | undefined): ProblemError {
  const why = cause === undefined ? "" : ` (${reasonOf(cause)})`;
  const detail = `The lock's object did not answer${why}. Repeat the request with the same requestId.`;
  return refused("UNREACHABLE", detail, retryAfter === undefined ? {} : { retryAfter });
}

/** The response to a refused request. */
export function responseTo({ problem, headers }: ProblemError): Response {
  const { status, retryAfter } = problem;
  return new Response(JSON.stringify(problem), {
    status,
    headers: {
      "Content-Type": "application/problem+json",
      ...(retryAfter !== undefined && { "Retry-After": String(Math.max(1, Math.ceil(retryAfter / 1_000))) }),
      ...headers,
    },
  });
}
