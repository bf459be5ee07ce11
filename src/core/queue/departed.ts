import { AgedMap } from "../aged-map.ts";
import { LIMITS } from "../limits.ts";

/**
 * Waiters that left the queue before their wait ended: their connection broke, or they did not poll again in time.
 *
 * A waiter that comes back gets its old position from the object's memory, not from what the waiter claims. Until then
 * the queue does not wait for it.
 */
export class Departed {
  readonly #all = new AgedMap<string, { requestId: string; arrivedAt: number; until: number }>();

  add({ requestId, arrivedAt }: { requestId: string; arrivedAt: number }, now: number): void {
    this.#all.set(requestId, { requestId, arrivedAt, until: now + LIMITS.silence });
    for (let oldest = this.#all.oldest; oldest; oldest = this.#all.oldest) {
      if (oldest.until > now && this.#all.size <= LIMITS.maxWaiters) break;
      this.#all.delete(oldest.requestId);
    }
  }

  /** When a returning waiter first arrived; undefined if it is unknown or was away for a minute or more. */
  take(requestId: string, now: number): number | undefined {
    const known = this.#all.get(requestId);
    this.#all.delete(requestId);
    return known && known.until > now ? known.arrivedAt : undefined;
  }
}
