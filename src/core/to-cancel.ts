import { type Caller, OTHER_TOKEN } from "./caller.ts";
import type { LeaseBook } from "./leases/lease-book.ts";
import type { WaitQueue } from "./queue/wait-queue.ts";
import type { OtherTokenReply } from "./replies.ts";

/**
 * The requests that a cancellation takes back, by their whole ids, or why it takes back none.
 *
 * It takes back the caller's own request, even an unknown one: the cancellation may have overtaken it. If the caller has
 * none with this id and other names have, the cancellation means theirs, and only an admin may take those back.
 */
export function toCancel(
  requestId: string,
  caller: Caller | undefined,
  leases: LeaseBook,
  queue: WaitQueue,
): string[] | OtherTokenReply {
  if (!caller || leases.live.byRequest(requestId) || queue.get(requestId)) return [requestId];
  // Repeated, or late: what it is about was the caller's own, and has ended.
  if (leases.hasEnded(requestId)) return [requestId];
  const others = [...leases.live.ofEveryName(requestId), ...queue.ofEveryName(requestId)];
  if (caller.isAdmin) return [requestId, ...others];
  return others.length === 0 ? [requestId] : OTHER_TOKEN;
}
