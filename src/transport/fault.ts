/** The error of a call that failed on its way to the object, with the flags of the platform and of the transport. */
export interface Fault extends Error {
  retryable?: boolean;
  /** The object or the platform has too much to do. */
  overloaded?: boolean;
  durableObjectReset?: boolean;
  /** The caller sends too many requests, so this one did not reach the lock. */
  rateLimited?: boolean;
  /** How long to wait before the next try, in milliseconds: an earlier one is pointless. */
  retryAfter?: number | undefined;
  /** Whether the service itself reported this, which shows that it is alive. */
  isAnswer?: boolean;
  /** Whether the connection ended before the service answered, as when a proxy reaches its timeout. */
  isCut?: boolean;
  /** The time from sending a waiting request until its connection was cut, in milliseconds. */
  cutAfter?: number;
}

/** A waiting request that is cut more than this many milliseconds after it was sent was cut because it waited. */
export const CUT_AFTER = 5_000;
