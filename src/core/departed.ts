import { LIMITS } from "./limits.ts";

/**
 * Those who have left the queue without an end of their wait: their connection was cut, or they came back late.
 *
 * One that comes back is put where it was, by the object's own memory and not by what it claims. Nobody waits for it
 * meanwhile.
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

  /** When one who comes back had arrived; undefined for a stranger, and for one who was away for a minute. */
  take(requestId: string, now: number): number | undefined {
    const known = this.#all.get(requestId);
    this.#all.delete(requestId);
    return known && known.until > now ? known.arrivedAt : undefined;
  }
}
