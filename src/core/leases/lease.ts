/** What a lease takes: everything (`exclusive`), or `permits` out of `capacity`. */
export interface Claim {
  /** Whether it takes the whole lock. */
  exclusive: boolean;
  /** The permits that it takes; 1 when exclusive. */
  permits: number;
  /** The capacity that they are taken out of; 1 when exclusive. */
  capacity: number;
}

/** A job that runs once. */
export interface Job {
  /** Tells its payload from others; undefined if payloads are not compared. */
  fingerprint: string | undefined;
}

/** A job as it travels and is stored: its fingerprint, "" for none. */
export function onceOf(job: Job | undefined): string | undefined {
  return job && (job.fingerprint ?? "");
}

/** The job that such a text stands for; undefined if there is none. */
export function jobOf(once: string | undefined): Job | undefined {
  return once === undefined ? undefined : { fingerprint: once === "" ? undefined : once };
}

/** What a lease is asked for and granted with. */
export interface LeaseSpec extends Claim {
  /** The request that takes it, by which a repeated acquire finds it again. */
  requestId: string;
  /** How long it is to last, in milliseconds. */
  ttl: number;
  /** A label for people. */
  owner: string | undefined;
  /** How long nothing that conflicts with it is granted after it expired, in milliseconds. */
  lockDelay: number;
  /** The job that runs once under it; undefined for any other hold. */
  job: Job | undefined;
}

/** A hold on a lock. Times are the object's clock. */
export interface Lease extends LeaseSpec {
  /** The lease number: the fencing token. */
  lease: number;
  since: number;
  /** Live before this instant, dead from it on. */
  deadline: number;
  /** The request that last renewed or converted it, by which a repetition is recognised. */
  renewalId: string | undefined;
  /** Whether its holder is asked to release. */
  releaseRequested: boolean;
}

/** A new lease, as it begins now. */
export function leaseOf(lease: number, spec: LeaseSpec, now: number): Lease {
  const { requestId, ttl, owner, exclusive, permits, capacity, lockDelay, job } = spec;
  return {
    lease,
    requestId,
    owner,
    exclusive,
    permits,
    capacity,
    since: now,
    ttl,
    deadline: now + ttl,
    renewalId: undefined,
    lockDelay,
    job,
    releaseRequested: false,
  };
}

/** The whole lock for an instant, for nobody: what a forced release takes. */
export function instantOf(requestId: string): LeaseSpec {
  const claim = { exclusive: true, permits: 1, capacity: 1 };
  return { requestId, ...claim, ttl: 1, owner: undefined, lockDelay: 0, job: undefined };
}

/** No clock is there before the year 2255. A number above it is damage, after which numbers could not grow for long. */
const HIGHEST_NUMBER = Number.MAX_SAFE_INTEGER - 1e12;

/** Whether it can be the number of a lease. */
export function isLeaseNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 1 && value <= HIGHEST_NUMBER;
}

/**
 * The next lease number: strictly above the previous one and never below the clock.
 *
 * Following the clock (in microseconds) is what lets cleanup delete the counter: whatever number is forgotten, the
 * clock has passed it since, unless a lock is granted over a thousand times a millisecond. A clock past the
 * numbers of leases is ignored rather than followed.
 */
export function nextLeaseNumber(previous: number, now: number): number {
  const byClock = Math.floor(now * 1_000);
  return isLeaseNumber(byClock) && byClock > previous ? byClock : previous + 1;
}

/** Until when a lease that expires is in the way of others. */
export function delayedUntil({ deadline, lockDelay }: Lease): number {
  return deadline + lockDelay;
}
