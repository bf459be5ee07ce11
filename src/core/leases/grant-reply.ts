import type { GrantReply } from "../replies.ts";
import type { Lease } from "./lease.ts";

/**
 * The reply that tells a holder about its lease.
 *
 * `validFor` is counted from `calledAt`, when the holder's call arrived.
 */
export function grantOf({ lease, deadline, releaseRequested }: Lease, calledAt: number): GrantReply {
  return {
    success: true,
    lease,
    deadline,
    validFor: deadline - calledAt,
    ...(releaseRequested && { releaseRequested }),
  };
}
