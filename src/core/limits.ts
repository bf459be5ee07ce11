const DAY = 86_400_000;

/** Every limit of the library, in one place. Durations are in milliseconds. */
export const LIMITS = {
  /** The longest lease, and the longest finite wait. */
  maxTtl: DAY,
  maxWait: DAY,
  /** Ids, owners and request ids, in bytes of UTF-8. */
  maxTextBytes: 512,
  /** The name of a token of the lock service, in bytes of UTF-8. It is stored with each lease, so it must be short. */
  maxTokenNameBytes: 64,
  maxWaiters: 10_000,
  maxLeases: 10_000,
  /**
   * How many holders a refusal names at most.
   *
   * A refusal that ends only a long poll names fewer, because thousands of waiters may get one at the same time.
   */
  maxHoldersNamed: 10,
  maxHoldersNamedInLine: 3,
  /** The share of one token name of the lock service: half, so that no name can shut out all others. */
  maxWaitersPerToken: 5_000,
  maxLeasesPerToken: 5_000,
  /** The largest count of a latch, and the most parties of a barrier. */
  maxCount: 10_000,
  maxParties: 1_000,
  /** The longest that one call is parked. The client polls again until its own wait ends. */
  longPoll: 25_000,
  /** How soon a waiter must return after a long poll; also the shortest time that a restarted queue has to rebuild. */
  returnWithin: 2_000,
  /** A queue counts as rebuilt once no waiter has come back for `quiet` ms, and after `reassembly` ms at the latest. */
  quiet: 1_250,
  reassembly: 30_000,
  /** How long a waiter goes without an answer before it reports an outage. */
  silence: 60_000,
  /** The largest result of a job, as a structured clone. */
  maxResultBytes: 2_000_000,
  /** How deeply a result may be nested: a recursion over it must fit on the stack of every platform. */
  maxResultDepth: 1_000,
  /** Waiters get a job's result in groups: how many bytes one group takes, and the time from one group to the next. */
  maxBytesTogether: 16_000_000,
  betweenGroups: 50,
  /** The longest that the result of a job is kept. */
  maxRetain: 366 * DAY,
  /** How often a lock is checked for clean-up. */
  cleanUp: DAY,
  /**
   * How long a lock must be unused to be wiped.
   *
   * Slightly less than a day, so the first alarm wipes a lock used only once.
   */
  idle: DAY - 600_000,
} as const;
