/** What a lease takes: everything (`exclusive`), or `permits` out of `capacity`. */
export interface Claim {
  /** Whether it takes the whole lock. */
  exclusive: boolean;
  /** How many permits it takes; 1 when exclusive. */
  permits: number;
  /** The capacity from which it takes the permits; 1 when exclusive. */
  capacity: number;
}

/** A once-only job. */
export interface Job {
  /** Identifies the job's payload; undefined if payloads are not compared. */
  fingerprint: string | undefined;
}

/** Encodes a job for the wire and for storage: as its fingerprint, or "" if it has none. */
export function onceOf(job: Job | undefined): string | undefined {
  return job && (job.fingerprint ?? "");
}

/** Decodes what `onceOf` encodes; undefined if there is no job. */
export function jobOf(once: string | undefined): Job | undefined {
  return once === undefined ? undefined : { fingerprint: once === "" ? undefined : once };
}

/** The parameters of a request for a lease, which the lease keeps. */
export interface LeaseSpec extends Claim {
  /** The id of the request, by which a repeated acquire finds its lease again. */
  requestId: string;
  /** How long the lease lasts, in milliseconds. */
  ttl: number;
  /** A label for people. */
  owner: string | undefined;
  /** If the lease expires, how long the lock then grants nothing that conflicts with it, in milliseconds. */
  lockDelay: number;
  /** The once-only job that runs under the lease; undefined for any other lease. */
  job: Job | undefined;
}

/** A lease on a lock. Times are by the object's clock. */
export interface Lease extends LeaseSpec {
  /** The lease number: the fencing token. */
  lease: number;
  since: number;
  /** The lease is live before this instant and dead from this instant on. */
  deadline: number;
  /** The request that last renewed or converted the lease, by which a repetition is recognised. */
  renewalId: string | undefined;
  /** Whether the holder is asked to release. */
  releaseRequested: boolean;
}

/** A new lease that begins now. */
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

/** The lease that a forced release takes: the whole lock for one instant, held by nobody. */
export function instantOf(requestId: string): LeaseSpec {
  const claim = { exclusive: true, permits: 1, capacity: 1 };
  return { requestId, ...claim, ttl: 1, owner: undefined, lockDelay: 0, job: undefined };
}

/**
 * The highest lease number; a clock gets there in the year 2255.
 *
 * A higher number comes from a damaged row. If it were used, the safe integers above it would soon run out.
 */
const HIGHEST_NUMBER = Number.MAX_SAFE_INTEGER - 1e12;

/** Whether the value can be a lease number. */
export function isLeaseNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 1 && value <= HIGHEST_NUMBER;
}

/**
 * The next lease number: strictly above the previous one and never below the clock.
 *
 * Because numbers follow the clock (in microseconds), clean-up can delete the counter: the clock has since passed every
 * forgotten number, unless a lock is granted more than a thousand times a millisecond. A clock beyond the highest
 * lease number is ignored.
 */
export function nextLeaseNumber(previous: number, now: number): number {
  const byClock = Math.floor(now * 1_000);
  return isLeaseNumber(byClock) && byClock > previous ? byClock : previous + 1;
}

/** Until when a lease, if it expires, blocks others. */
export function delayedUntil({ deadline, lockDelay }: Lease): number {
  return deadline + lockDelay;
}
