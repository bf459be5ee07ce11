import type { BadArgumentReply } from "../replies.ts";
import { otherNumber } from "./rendezvous-replies.ts";

/** One count-down that took effect. */
export interface CountDown {
  requestId: string;
  /** What the latch was made with. */
  count: number;
  by: number;
}

/** A latch: open once it has been counted down so often. Every count-down is kept, so that none takes effect twice. */
export class LatchState {
  readonly #requests = new Set<string>();
  #count: number | undefined;
  #counted = 0;

  constructor(stored: Iterable<CountDown>) {
    for (const countDown of stored) this.#apply(countDown);
  }

  /** What the first who counted down said; undefined if nobody has. */
  get count(): number | undefined {
    return this.#count;
  }

  /** Takes effect once for each request; undefined if it has before, or the latch is open and needs no more. */
  countDown(countDown: CountDown): CountDown | undefined {
    if (this.#requests.has(countDown.requestId) || this.remaining(countDown.count) === 0) return undefined;
    this.#apply(countDown);
    return countDown;
  }

  /** How often it has to be counted down yet, for one who knows it by `count`. */
  remaining(count: number): number {
    return Math.max(0, (this.#count ?? count) - this.#counted);
  }

  /** Refuses one who knows it by another number. */
  mismatch(count: number): BadArgumentReply | undefined {
    return this.#count === undefined || this.#count === count ? undefined : otherNumber("count", this.#count, count);
  }

  #apply({ requestId, count, by }: CountDown): void {
    this.#requests.add(requestId);
    this.#count = count;
    this.#counted += by;
  }
}
