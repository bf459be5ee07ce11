import { LIMITS } from "../limits.ts";

/**
 * How the queue rebuilds after a restart: it lived in the memory of an earlier instance.
 *
 * In the first two seconds of this instance, a caller that asks again but is not known here opens a window in which the
 * lock grants nothing. The window lasts at least until those two seconds end, and longer while such callers keep coming,
 * because many of them spread their return. It ends after 30 s, whatever callers claim. How long a caller says it has
 * waited does not tell one that was here before: it may have come just before the restart, and its call takes time.
 */
export class Reassembly {
  readonly #startedAt: number;
  #until = 0;

  constructor(startedAt: number) {
    this.#startedAt = startedAt;
  }

  /** When the window closes. */
  get until(): number {
    return this.#until;
  }

  isOpen(now: number): boolean {
    return now < this.#until;
  }

  /**
   * Lets a caller arrive that this instance does not know, and says when it began to wait, as far as its claim can be true.
   *
   * After the window has closed, a caller from before the restart has lost its position. A caller whose first call was
   * lost has tried again within its patience. A caller that claims a longer wait than that counts as arriving now.
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
