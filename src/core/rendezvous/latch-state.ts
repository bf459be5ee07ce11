import type { BadArgumentReply } from "../replies.ts";
import { otherNumber } from "./rendezvous-replies.ts";

/** One count-down that took effect. */
export interface CountDown {
  requestId: string;
  /** The initial count of the latch. */
  count: number;
  by: number;
}

/** A latch, which opens once it is counted down to 0. Every count-down is stored, so that none takes effect twice. */
export class LatchState {
  readonly #requests = new Set<string>();
  #count: number | undefined;
  #counted = 0;

  constructor(stored: Iterable<CountDown>) {
    for (const countDown of stored) this.#apply(countDown);
  }

  /** The initial count, as the first count-down gave it; undefined before the first count-down. */
  get count(): number | undefined {
    return this.#count;
  }

  /**
   * Counts down once for each request.
   *
   * Undefined if the request was counted before, or if the latch is already open.
   */
  countDown(countDown: CountDown): CountDown | undefined {
    if (this.#requests.has(countDown.requestId) || this.remaining(countDown.count) === 0) return undefined;
    this.#apply(countDown);
    return countDown;
  }

  /** What remains until the latch opens. `count` is the caller's initial count, used before the first count-down. */
  remaining(count: number): number {
    return Math.max(0, (this.#count ?? count) - this.#counted);
  }

  /** Refuses a caller whose initial count differs. */
  mismatch(count: number): BadArgumentReply | undefined {
    return this.#count === undefined || this.#count === count ? undefined : otherNumber("count", this.#count, count);
  }

  #apply({ requestId, count, by }: CountDown): void {
    this.#requests.add(requestId);
    this.#count = count;
    this.#counted += by;
  }
}
