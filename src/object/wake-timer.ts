/** One in-memory timer, set for the earliest time at which something is due. */
export class WakeTimer {
  readonly #wake: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #at = Number.POSITIVE_INFINITY;

  constructor(wake: () => void) {
    this.#wake = wake;
  }

  /** Sets the timer, or clears it if nothing is due: a pending timer keeps the object in memory, which is billed. */
  set(at: number | undefined, now: number): void {
    if (at === this.#at) return;
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#at = at ?? Number.POSITIVE_INFINITY;
    this.#timer = at === undefined ? undefined : setTimeout(() => this.#fire(), Math.max(0, Math.ceil(at - now)));
  }

  #fire(): void {
    this.#at = Number.POSITIVE_INFINITY;
    this.#timer = undefined;
    this.#wake();
  }
}
