import { LIMITS } from "../../../src/core/limits.ts";
import { type Asked, isAway } from "./asked.ts";

/** The position of waiters in the queue of one instance, written a second time from the docs. */
export class Places {
  readonly #startedAt: number;
  #reassemblesUntil = 0;

  constructor(startedAt: number) {
    this.#startedAt = startedAt;
  }

  isReassembling(now: number): boolean {
    return now < this.#reassemblesUntil;
  }

  /** The arrival of a waiter without a queue entry: the one that the object remembers, or else a plausible claim. */
  arrivalOf({ rememberedUntil, arrivedAt }: Asked, waited: number, now: number): number {
    if (rememberedUntil > now) return arrivedAt;
    const lived = now - this.#startedAt;
    const atLeast = this.#startedAt + LIMITS.returnWithin;
    if (waited > lived && now < Math.max(atLeast, this.#reassemblesUntil)) {
      const until = Math.max(atLeast, now + LIMITS.quiet);
      this.#reassemblesUntil = Math.min(until, this.#startedAt + LIMITS.reassembly);
      return now - waited;
    }
    return waited <= lived && waited <= LIMITS.silence ? now - waited : now;
  }
}

/** Waiters that do not return in time lose their queue entries. The object remembers their positions for a while. */
export function losePlaces(all: Asked[], now: number): void {
  for (const asked of all)
    if (isAway(asked) && asked.awayUntil > 0 && asked.awayUntil <= now)
      Object.assign(asked, { awayUntil: 0, rememberedUntil: now + LIMITS.silence });
}
