import { invariant } from "../invariant.ts";
import type { Claim } from "./lease.ts";

/**
 * What all blocking leases take together: the live ones, and those whose lock-delay has not ended.
 *
 * Each change updates the sums, so a check costs the same however many leases there are. The admission rule does not
 * use these sums; it goes through the leases themselves. The two calculations are independent, so this check can find
 * an error in either.
 */
export class Occupancy {
  #leases = 0;
  #exclusive = 0;
  /** A `bigint`: the permits of several leases can exceed the safe integers, and a rounded sum would stay wrong. */
  #permits = 0n;

  add(claim: Claim): void {
    this.#leases += 1;
    if (claim.exclusive) this.#exclusive += 1;
    this.#permits += wholePermitsOf(claim);
  }

  remove(claim: Claim): void {
    this.#leases -= 1;
    if (claim.exclusive) this.#exclusive -= 1;
    this.#permits -= wholePermitsOf(claim);
  }

  clear(): void {
    this.#leases = 0;
    this.#exclusive = 0;
    this.#permits = 0n;
  }

  /**
   * Checks that a claim that was just granted, and is already counted, does not conflict with the others.
   *
   * Only the capacity of this claim counts. The permits in use may exceed the smaller capacity of an older lease.
   */
  check({ exclusive, capacity }: Claim): void {
    if (exclusive)
      return invariant(this.#leases === 1, "An exclusive lease was granted although another lease blocks it.");
    invariant(this.#exclusive === 0, "A shared lease was granted although an exclusive lease blocks it.");
    invariant(this.#permits <= capacity, "More permits are in use than the requested capacity.");
  }
}

/** A damaged row may contain a fraction. It is rounded down so that it can't make an invariant fail. */
function wholePermitsOf({ permits }: Claim): bigint {
  return BigInt(Math.floor(permits));
}
