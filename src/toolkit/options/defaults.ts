/** How long the lease of a hold lasts, in milliseconds. */
export const DEFAULT_TTL = 30_000;

/** How long a hold waits for the lock, in milliseconds. */
export const DEFAULT_WAIT = 10_000;
