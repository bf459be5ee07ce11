import type { GrantReply, RecordedReply, RefusalReply } from "../core/replies.ts";
import type { LockRequest } from "../core/request.ts";
import type { LockPrimitives } from "../transport/primitives.ts";
import { unexpectedRefusal } from "../transport/version-mismatch.ts";

/** A lease, with the instant until which it is certain to last, by the local clock. */
export interface Grant extends GrantReply {
  validUntil: number;
}

/** The outcome of a request for the lock. */
export type Acquired = Grant | RecordedReply | RefusalReply;

/** Sends a request for the lock once; the lease that it grants counts from before it was sent. */
export async function askOnce(
  primitives: LockPrimitives,
  request: LockRequest,
  signal: AbortSignal,
): Promise<Acquired> {
  const left = performance.now();
  const reply = await primitives.acquire(request, signal);
  if (!reply.success) {
    if (reply.reason === "INVALID_ARGUMENT") throw unexpectedRefusal(reply);
    return reply;
  }
  // The lease can't have begun after now. Without this bound, an object clock that jumped during the wait could lengthen it.
  const validFor = Math.min(reply.validFor, performance.now() - left + request.ttl);
  return { ...reply, validFor, validUntil: left + validFor };
}
