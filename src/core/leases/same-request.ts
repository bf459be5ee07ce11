import type { BadArgumentReply } from "../replies.ts";
import { type Claim, type Job, onceOf } from "./lease.ts";

/** What a request asks for: this distinguishes it from another request with the same id. */
interface Asked extends Claim {
  job: Job | undefined;
}

/**
 * Refuses a request whose id belongs to another one that is under way; undefined if it repeats that one.
 *
 * A lease counts with its present claim: after a conversion, a repeated acquire must not get the claim that it lost.
 */
export function otherRequest(known: Asked, asked: Asked): BadArgumentReply | undefined {
  const isSameClaim = claimOf(known) === claimOf(asked);
  if (isSameClaim && onceOf(known.job) === onceOf(asked.job)) return undefined;
  const difference = isSameClaim
    ? "is for another job (once differs)"
    : `takes ${claimOf(known)}, and this one asks for ${claimOf(asked)}`;
  const message = `requestId is in use: the request of this id ${difference}. Repeat a request as it was, and give every other request an id of its own.`;
  return { success: false, reason: "INVALID_ARGUMENT", argument: "requestId", message };
}

function claimOf({ exclusive, permits, capacity }: Claim): string {
  return exclusive ? "the whole lock" : `${permits} of ${capacity} permits`;
}
