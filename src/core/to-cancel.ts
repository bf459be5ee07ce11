import { type Caller, OTHER_TOKEN } from "./caller.ts";
import type { LeaseBook } from "./leases/lease-book.ts";
import type { WaitQueue } from "./queue/wait-queue.ts";
import type { OtherTokenReply } from "./replies.ts";

/**
 * The whole ids of the requests that a cancellation cancels, or the refusal if the caller may not cancel them.
 *
 * A caller can cancel its own request even if the object does not know it: the cancellation may have overtaken the
 * request. If the caller has no request with this id, but other token names do, the cancellation means theirs; only an
 * admin may cancel those.
 */
export function toCancel(
  requestId: string,
  caller: Caller | undefined,
  leases: LeaseBook,
  queue: WaitQueue,
): string[] | OtherTokenReply {
  if (!caller || leases.live.byRequest(requestId) || queue.get(requestId)) return [requestId];
  // A repeated or late cancellation: it means the caller's own request, which has already ended.
  if (leases.hasEnded(requestId)) return [requestId];
  const others = [...leases.live.ofEveryName(requestId), ...queue.ofEveryName(requestId)];
  if (caller.isAdmin) return [requestId, ...others];
  return others.length === 0 ? [requestId] : OTHER_TOKEN;
}
