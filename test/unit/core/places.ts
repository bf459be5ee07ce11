import { LIMITS } from "../../../src/core/limits.ts";
import { type Asked, isAway } from "./asked.ts";

/** Where waiters belong in the line that an instance knows, written once more and from the docs. */
export class Places {
  readonly #startedAt: number;
  #reassemblesUntil = 0;

  constructor(startedAt: number) {
    this.#startedAt = startedAt;
  }

  isReassembling(now: number): boolean {
    return now < this.#reassemblesUntil;
  }

  /** Of a waiter that has no place: where it was seen last, or else where it says, if that can be so. */
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

/** Those who were answered and have not come back in time lose their places, which the object remembers for a while. */
export function losePlaces(all: Asked[], now: number): void {
  for (const asked of all)
    if (isAway(asked) && asked.awayUntil > 0 && asked.awayUntil <= now)
      Object.assign(asked, { awayUntil: 0, rememberedUntil: now + LIMITS.silence });
}
