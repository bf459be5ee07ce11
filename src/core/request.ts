import { checkClaim, checkDuration, checkOptions, checkText, checkWait, checkWaited } from "./limits.ts";
import type { Claim } from "./lease.ts";

/** How a request for the lock is described, by callers of the object and of the client alike. */
export interface RequestOptions {
  /** How long to wait in the queue, in milliseconds. */
  wait?: number;
  /** How long the caller has waited so far, in milliseconds: keeps its place if the object was restarted meanwhile. */
  waited?: number;
  /** A label for people, shown by `status()`. */
  owner?: string;
  /** Permits to take out of `capacity`; without both the request is exclusive. */
  permits?: number;
  /** How many permits there are in all, `Infinity` for no limit. */
  capacity?: number;
  /** Names the request: repeating it has no second effect. */
  requestId?: string;
}

const REQUEST_OPTIONS = ["wait", "waited", "owner", "permits", "capacity", "requestId"] as const;

/** A request for the lock, checked and complete. */
export interface LockRequest extends Claim {
  /** Names the request: repeating it has no second effect. */
  requestId: string;
  /** How long the lease is to last, in milliseconds. */
  ttl: number;
  /** A label for people. */
  owner: string | undefined;
  /** How long to wait in the queue, in milliseconds; 0 asks once. */
  wait: number;
  /** How long the caller has waited before this call, in milliseconds. */
  waited: number;
}

/** Checks what a caller sent; throws `INVALID_ARGUMENT` and so leaves the lock untouched. */
export function checkRequest(ttl: unknown, options: unknown, newId: () => string): LockRequest {
  const { wait, waited, owner, permits, capacity, requestId } = checkOptions(options, REQUEST_OPTIONS);
  return {
    ttl: checkDuration(ttl, "ttl"),
    wait: wait === undefined ? 0 : checkWait(wait),
    waited: waited === undefined ? 0 : checkWaited(waited),
    owner: owner === undefined ? undefined : checkText(owner, "owner"),
    ...checkClaim(permits, capacity),
    requestId: checkRequestId(requestId, newId),
  };
}

/** Checks the options of a renewal or a release. */
export function checkRequestIdOption(options: unknown, newId: () => string): string {
  return checkRequestId(checkOptions(options, ["requestId"]).requestId, newId);
}

function checkRequestId(value: unknown, newId: () => string): string {
  return value === undefined ? newId() : checkText(value, "requestId");
}
