import type { RefusalReply } from "../core/replies.ts";
import type { LeaseLoss } from "../errors.ts";
import { unexpectedRefusal } from "../transport/version-mismatch.ts";

/** What to do when a lease is lost. */
export const ADVICE = "Stop writing, check the fencing token at the resource, and acquire again.";

/** The message for a lost lease: what happened and what to do next. */
export function lossMessage(why: LeaseLoss, lease: number): string {
  if (why === "unreachable") return `Lease ${lease} was lost: no renewal was confirmed in time. ${ADVICE}`;
  if (why === "expired") return `Lease ${lease} was lost: it expired before it was renewed. ${ADVICE}`;
  return `Lease ${lease} was lost: another caller ended it. ${ADVICE}`;
}

/** How a lease was lost, from the refusal of a call that needs a live lease. */
export function lossOf(reply: RefusalReply): "expired" | "superseded" {
  if (reply.reason !== "NO_LONGER_VALID") throw unexpectedRefusal(reply);
  return reply.ended === "expired" ? "expired" : "superseded";
}
