import type { Claim, Lease } from "./leases/lease.ts";
import type { LiveLeases } from "./leases/live-leases.ts";
import type { WaitQueue } from "./queue/wait-queue.ts";
import type { HolderSummary, LockHolder, LockStatus, BorrowedReply } from "./replies.ts";

/**
 * What `status()` shows.
 *
 * It never contains a request id, because a request id allows its reader to cancel the request.
 */
export function statusOf(live: LiveLeases, queue: WaitQueue, now: number): LockStatus {
  const holders = [...live].filter(({ lease }) => lease.deadline > now).map(({ lease }) => holderOf(lease));
  const waiters = [...queue].map(({ arrivedAt, ...rest }) => ({
    waited: Math.max(0, now - arrivedAt),
    ...shown(rest),
  }));
  const delayedUntil = live.delayedUntil(now);
  return { locked: holders.length > 0, holders, waiters, ...(delayedUntil !== undefined && { delayedUntil }) };
}

/** The status with only the newest holder and no waiters. Its size does not depend on how many of them there are. */
export function newestStatusOf(live: LiveLeases, now: number): LockStatus {
  const newest = newestOf(live, now);
  return { locked: newest !== undefined, holders: newest ? [holderOf(newest)] : [], waiters: [] };
}

/** The newest live lease. */
export function newestOf(live: LiveLeases, now: number): Lease | undefined {
  // The first of them may have expired without a transition that has ended it yet.
  for (const { lease } of live.newestFirst()) if (lease.deadline > now) return lease;
  return undefined;
}

/** The oldest live leases, `most` at most, and how many more there are. This bounds the size of a refusal. */
export function oldestOf(live: LiveLeases, most: number): Pick<BorrowedReply, "holders" | "moreHolders"> {
  const holders: HolderSummary[] = [];
  for (const { lease } of live) {
    if (holders.length === most) return { holders, moreHolders: live.size - most };
    const { owner, since, deadline } = lease;
    holders.push({ lease: lease.lease, ...(owner !== undefined && { owner }), since, deadline });
  }
  return { holders };
}

function holderOf({ lease, since, ttl, deadline, releaseRequested, ...rest }: Lease): LockHolder {
  return {
    lease,
    since,
    ttl,
    // Computed, not stored: only a grant and a renewal set the deadline, and each sets it one ttl ahead.
    renewedAt: deadline - ttl,
    deadline,
    ...(releaseRequested && { releaseRequested }),
    ...shown(rest),
  };
}

function shown({ owner, exclusive, permits, capacity }: Claim & { owner: string | undefined }) {
  return { ...(owner !== undefined && { owner }), exclusive, permits, capacity };
}
