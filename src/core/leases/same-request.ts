import type { BadArgumentReply } from "../replies.ts";
import { type Claim, type Job, onceOf } from "./lease.ts";

/** The parts of a request that a repetition must not change. */
interface RequestContent extends Claim {
  job: Job | undefined;
}

/**
 * Refuses a request whose id is in use by a different request; undefined if it repeats that request.
 *
 * A lease is compared by its current claim: after a conversion, a repeated acquire must not report the claim from
 * before.
 */
export function otherRequest(known: RequestContent, given: RequestContent): BadArgumentReply | undefined {
  const isSameClaim = claimOf(known) === claimOf(given);
  if (isSameClaim && onceOf(known.job) === onceOf(given.job)) return undefined;
  const difference = isSameClaim
    ? "is for another job (once differs)"
    : `takes ${claimOf(known)}, but this request takes ${claimOf(given)}`;
  const message = `requestId is already in use: the request with this id ${difference}. Repeat a request unchanged, and give every other request its own id.`;
  return { success: false, reason: "INVALID_ARGUMENT", argument: "requestId", message };
}

function claimOf({ exclusive, permits, capacity }: Claim): string {
  return exclusive ? "the whole lock" : `${permits} of ${capacity} permits`;
}
