import type { GrantReply } from "../replies.ts";
import type { Lease } from "./lease.ts";

/** A lease as its holder learns about it; counted from when the call arrived that is answered. */
export function grantOf({ lease, deadline, releaseRequested }: Lease, calledAt: number): GrantReply {
  return {
    success: true,
    lease,
    deadline,
    validFor: deadline - calledAt,
    ...(releaseRequested && { releaseRequested }),
  };
}
