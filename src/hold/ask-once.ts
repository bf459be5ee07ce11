import type { GrantReply, RecordedReply, RefusalReply } from "../core/replies.ts";
import type { LockRequest } from "../core/request.ts";
import type { LockPrimitives } from "../transport/primitives.ts";
import { unexpectedRefusal } from "../transport/version-mismatch.ts";

/** A lease, with the local time until which it is certain to last. */
export interface Grant extends GrantReply {
  validUntil: number;
}

/** The outcome of a request for the lock. */
export type Acquired = Grant | RecordedReply | RefusalReply;

/** Sends one request for the lock. The time of a granted lease is counted from before the request was sent. */
export async function askOnce(
  primitives: LockPrimitives,
  request: LockRequest,
  signal: AbortSignal,
): Promise<Acquired> {
  const sentAt = performance.now();
  const reply = await primitives.acquire(request, signal);
  if (!reply.success) {
    if (reply.reason === "INVALID_ARGUMENT") throw unexpectedRefusal(reply);
    return reply;
  }
  // The lease has begun by now at the latest. Without this bound, a jump of the object's clock during the wait could
  // lengthen it.
  const validFor = Math.min(reply.validFor, performance.now() - sentAt + request.ttl);
  return { ...reply, validFor, validUntil: sentAt + validFor };
}
