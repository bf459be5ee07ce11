/** How attempts are spaced: exponential backoff with full jitter. */
export interface Backoff {
  /** The bound of the first delay, in milliseconds. @default 50 */
  minTimeout: number;
  /** The bound of every delay, in milliseconds. @default 5000 */
  maxTimeout: number;
  /** The factor by which the bound grows. @default 2 */
  factor: number;
}

export const DEFAULT_BACKOFF: Backoff = { minTimeout: 50, maxTimeout: 5000, factor: 2 };

/**
 * The delay before the next attempt: a random time up to a bound that grows exponentially.
 *
 * Full jitter, after Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015: it spreads
 * callers that failed together further apart than a fixed delay plus jitter does.
 */
export function fullJitter(attempt: number, { minTimeout, maxTimeout, factor }: Backoff): number {
  return Math.random() * Math.min(maxTimeout, minTimeout * factor ** (attempt - 1));
}
