import { LIMITS } from "./limits.ts";

/**
 * How the queue comes together again after a restart: it lived in the memory of an earlier instance.
 *
 * The first caller that says it has waited for longer than this instance has lived opens a window in which nobody is
 * granted. The window lasts at least two seconds from the start, and on as long as such callers keep coming: many take
 * longer, for they come spread over time. It has an end, whatever callers claim.
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
   * When a caller that this instance does not know began to wait, as far as its claim can be true.
   *
   * Once the window has closed, a caller from before the restart has lost its place, and one whose first call was lost
   * has tried again within its patience. One that claims to have waited for longer arrives now.
   */
  arrivalOf(waited: number, now: number): number {
    const lived = now - this.#startedAt;
    if (waited > lived && now < Math.max(this.#until, this.#startedAt + LIMITS.returnWithin)) {
      this.#extend(now);
      return now - waited;
    }
    return waited <= Math.min(lived, LIMITS.silence) ? now - waited : now;
  }

  #extend(now: number): void {
    const until = Math.max(this.#startedAt + LIMITS.returnWithin, now + LIMITS.quiet);
    this.#until = Math.min(until, this.#startedAt + LIMITS.reassembly);
  }
}
