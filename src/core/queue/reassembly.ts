import { LIMITS } from "../limits.ts";

/**
 * Rebuilds the queue after a restart. The queue is only in memory, so it was lost with the earlier instance.
 *
 * In its first two seconds, this instance may get a repeated call of a waiter that it does not know. Such a call opens
 * a window in which the lock grants nothing. The window lasts at least until the two seconds end. It lasts longer while
 * such callers keep coming, because many callers spread out their return. It ends after 30 s, whatever callers claim.
 *
 * The claimed wait does not show whether a caller was here before the restart: it may have arrived just before, and its
 * call takes time.
 */
export class Reassembly {
  readonly #startedAt: number;
  #until = 0;

  constructor(startedAt: number) {
    this.#startedAt = startedAt;
  }

  /** When the window closes; 0 if it never opened. */
  get until(): number {
    return this.#until;
  }

  isOpen(now: number): boolean {
    return now < this.#until;
  }

  /**
   * Registers a caller that this instance does not know. Returns when it began to wait, if its claim can be true.
   *
   * Once the window has closed, a caller from before the restart has lost its position. A caller whose first call got
   * lost tries again before it reports an outage. A caller that claims a longer wait than that counts as arriving now.
   */
  arrive(waited: number, now: number): number {
    if (waited > 0 && now < Math.max(this.#until, this.#startedAt + LIMITS.returnWithin)) {
      this.#extend(now);
      return now - waited;
    }
    return waited <= Math.min(now - this.#startedAt, LIMITS.silence) ? now - waited : now;
  }

  #extend(now: number): void {
    const until = Math.max(this.#startedAt + LIMITS.returnWithin, now + LIMITS.quiet);
    this.#until = Math.min(until, this.#startedAt + LIMITS.reassembly);
  }
}
