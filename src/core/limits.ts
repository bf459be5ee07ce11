const DAY = 86_400_000;

/** Every bound of the library, in one place; durations are milliseconds. */
export const LIMITS = {
  /** The longest lease, and the longest finite wait. */
  maxTtl: DAY,
  maxWait: DAY,
  /** Ids, owners and request ids, in bytes of UTF-8. */
  maxTextBytes: 512,
  /** The name of a token of the lock service, in bytes of UTF-8: it is stored with each lease. */
  maxTokenNameBytes: 64,
  maxWaiters: 10_000,
  maxLeases: 10_000,
  /** How many holders a refusal names at most, and one that ends no wait: thousands of waiters may get it together. */
  maxHoldersNamed: 10,
  maxHoldersNamedInLine: 3,
  /** The share of one token name of the lock service: half, so that no name keeps all others out. */
  maxWaitersPerToken: 5_000,
  maxLeasesPerToken: 5_000,
  /** What a latch counts down from, and how many meet at a barrier. */
  maxCount: 10_000,
  maxParties: 1_000,
  /** The longest that one call is parked; the client asks again until its own time is up. */
  longPoll: 25_000,
  /** How long a waiter may stay away after a long poll, and the least time that a restarted object gives its queue to rebuild. */
  returnWithin: 2_000,
  /** A queue that rebuilds is complete when no waiter has come back for so long, and after the second time at the latest. */
  quiet: 1_250,
  reassembly: 30_000,
  /** How long a waiter goes without an answer before it calls that an outage. */
  silence: 60_000,
  /** The largest result of a job, as a structured clone. */
  maxResultBytes: 2_000_000,
  /** How deeply it may be nested: what a recursion over it takes must fit on every platform's stack. */
  maxResultDepth: 1_000,
  /** How many bytes of results are answered together, and how long after a group the next one is answered. */
  maxBytesTogether: 16_000_000,
  betweenGroups: 50,
  /** The longest that the result of a job is kept. */
  maxRetain: 366 * DAY,
  /** How often a lock is looked at for clean-up. */
  cleanUp: DAY,
  /** A lock unused for so long is wiped: a little less, so that one that was used once goes with its first alarm. */
  idle: DAY - 600_000,
} as const;
