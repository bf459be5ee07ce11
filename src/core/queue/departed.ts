import { LIMITS } from "../limits.ts";

/**
 * Waiters that left the queue before their wait ended: their connection was cut, or they did not come back in time.
 *
 * If one comes back, it gets its old position by the object's own memory, not by what it claims. The queue does not
 * wait for it meanwhile.
 */
export class Departed {
  readonly #all = new Map<string, { arrivedAt: number; until: number }>();

  add({ requestId, arrivedAt }: { requestId: string; arrivedAt: number }, now: number): void {
    this.#all.delete(requestId);
    this.#all.set(requestId, { arrivedAt, until: now + LIMITS.silence });
    for (const [oldest, { until }] of this.#all) {
      if (until > now && this.#all.size <= LIMITS.maxWaiters) break;
      this.#all.delete(oldest);
    }
  }

  /** When a returning waiter first arrived; undefined if it is unknown or was away for a minute. */
  take(requestId: string, now: number): number | undefined {
    const known = this.#all.get(requestId);
    this.#all.delete(requestId);
    return known && known.until > now ? known.arrivedAt : undefined;
  }
}
