/** What a call that failed on the way to the object says of itself: the platform's flags, and what a transport adds. */
export interface Fault extends Error {
  retryable?: boolean;
  /** The object or the platform has too much to do. */
  overloaded?: boolean;
  durableObjectReset?: boolean;
  /** The caller asks too often, so the lock was not asked. */
  rateLimited?: boolean;
  /** Milliseconds before which another try is pointless. */
  retryAfter?: number | undefined;
  /** Whether the service itself said so, which shows that it lives. */
  isAnswer?: boolean;
  /** Whether the connection ended before the service answered, as a proxy ends it when its time is over. */
  isCut?: boolean;
  /** How long after it was sent the connection of a waiting request was cut, in milliseconds. */
  cutAfter?: number;
}

/** A request that waits and is cut later than this was cut because it waited, in milliseconds. */
export const CUT_AFTER = 5_000;
