import { invariant } from "../invariant.ts";
import type { Claim } from "./lease.ts";

/**
 * What all leases in the way take together: the live ones, and those whose lock-delay has not ended.
 *
 * Each change updates the sums, so a check costs the same however many leases there are. The admission rule does not use
 * them: it goes through the leases, and so each of the two accounts is checked against the other.
 */
export class Occupancy {
  #leases = 0;
  #exclusive = 0;
  /** A `bigint`, because the permits of several leases can exceed the safe integers, and a sum that was rounded stays wrong. */
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
   * Checks that a claim that has just been granted, and counts already, may stand beside the others.
   *
   * Only the capacity that this claim asked for counts: older leases with a smaller capacity may be exceeded.
   */
  check({ exclusive, capacity }: Claim): void {
    if (exclusive) return invariant(this.#leases === 1, "An exclusive lease is granted beside another lease.");
    invariant(this.#exclusive === 0, "A shared lease is granted beside an exclusive one.");
    invariant(this.#permits <= capacity, "More permits are in use than the capacity that was asked for.");
  }
}

/** A damaged row may hold a fraction. Rounded down, it can't make an invariant fail. */
function wholePermitsOf({ permits }: Claim): bigint {
  return BigInt(Math.floor(permits));
}
