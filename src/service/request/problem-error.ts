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

/** A refusal of the service's own. */
export function refused(
  reason: ProblemReason,
  detail: string,
  more?: Parameters<typeof problemOf>[2],
  headers?: Record<string, string>,
): ProblemError {
  return new ProblemError(problemOf(reason, detail, more), headers);
}

/** How long to stay away from what is overloaded or down, in milliseconds. */
const COME_BACK_IN = 1_000;

const DETAILS: Record<Exclude<RefusalReply, BadArgumentReply>["reason"], string> = {
  BORROWED: "Somebody else holds the lock, or waits for it ahead of you. Send wait to queue, or ask again later.",
  NO_LONGER_VALID: "The lease has ended, or its request was taken back. Acquire again, with a new requestId.",
  QUEUE_FULL: "As many callers as a lock admits are waiting already: shed load.",
  TOO_MANY_LEASES: "As many leases as a lock admits are live already: split it.",
  OTHER_TOKEN:
    "The lease, or the request, belongs to another token's name: only a token of that name, or one that has the action admin too, may do this.",
  FINGERPRINT_MISMATCH: "The job ran, or runs, for another payload: the same id was used for two different things.",
  RESULT_TOO_LARGE: "The result is too large to be kept, and the lease is as it was: release it with a smaller one.",
  RESULT_NOT_CLONEABLE:
    "The result can't be kept, and the lease is as it was: release it with plain JSON, or a right `encoded`.",
};

const DETAILS_OF_SHARE: Record<LimitReachedReply["reason"], string> = {
  QUEUE_FULL: `This token has its share of the queue (${LIMITS.maxWaitersPerToken} waiting requests on a lock): shed load.`,
  TOO_MANY_LEASES: `This token has its share of the leases (${LIMITS.maxLeasesPerToken} live ones on a lock): release some, or split the lock.`,
};

/** What the lock refused, as a problem. */
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

/** Nobody knows what came of the call: it can be repeated with the same requestId. */
export function unreachable(error: LockError): ProblemError {
  return unansweredBecause(error, error.retryAfter ?? COME_BACK_IN);
}

/** The same for a waiter. It gets no `Retry-After` unless the object is overloaded, so it spreads its own return. */
export function unreachableInLine(error: LockError): ProblemError {
  const { overloaded = false } = (error.cause ?? {}) as Partial<Fault>;
  return unansweredBecause(error, error.retryAfter ?? (overloaded ? COME_BACK_IN : undefined));
}

function unansweredBecause({ cause }: LockError, retryAfter: number | undefined): ProblemError {
  const why = cause === undefined ? "" : ` (${reasonOf(cause)})`;
  const detail = `The lock's object did not answer${why}. Repeat the request with the same requestId.`;
  return refused("UNREACHABLE", detail, retryAfter === undefined ? {} : { retryAfter });
}

/** The answer to a request that was refused. */
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
