/** What a lease takes: everything (`exclusive`), or `permits` out of `capacity`. */
export interface Claim {
  /** Whether it takes the whole lock. */
  exclusive: boolean;
  /** The permits that it takes; 1 when exclusive. */
  permits: number;
  /** The capacity that they are taken out of; 1 when exclusive. */
  capacity: number;
}

/** A hold on a lock. Times are the object's clock. */
export interface Lease extends Claim {
  /** The lease number: the fencing token. */
  lease: number;
  /** The request that took it, by which a repeated acquire finds it again. */
  requestId: string;
  owner: string | undefined;
  since: number;
  ttl: number;
  /** Live before this instant, dead from it on. */
  deadline: number;
  /** The request that last renewed it, by which a repeated renewal is recognised. */
  renewalId: string | undefined;
}

/**
 * The next lease number: strictly above the previous one and never below the clock.
 *
 * Following the clock (in microseconds) is what lets cleanup delete the counter: whatever number is forgotten, the
 * clock has passed it since, unless a lock is granted over a thousand times a millisecond. A clock past the safe
 * integers is ignored rather than followed.
 */
export function nextLeaseNumber(previous: number, now: number): number {
  const byClock = Math.floor(now * 1_000);
  return Number.isSafeInteger(byClock) && byClock > previous ? byClock : previous + 1;
}
