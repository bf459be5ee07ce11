/** The error of a call that failed on its way to the object, with the flags of the platform and of the transport. */
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
  /** Whether the connection ended before the service answered, as when a proxy reaches its timeout. */
  isCut?: boolean;
  /** How long after it was sent the connection of a waiting request was cut, in milliseconds. */
  cutAfter?: number;
}

/** If a waiting request is cut later than this after it was sent, it was cut because it waited, in milliseconds. */
export const CUT_AFTER = 5_000;
