import type { Claim } from "./lease.ts";

/**
 * What all blocking leases take together: the live ones, and those whose lock-delay has not ended.
 *
 * Each change updates the sums, so admission costs the same however many leases there are.
 */
export class Occupancy {
  #leases = 0;
  #exclusive = 0;
  /** A `bigint`: the permits of several leases can exceed the safe integers, and a rounded sum would stay wrong. */
  #permits = 0n;

  /** Counts a lease of whole permits. */
  add({ exclusive, permits }: Claim): void {
    this.#leases += 1;
    if (exclusive) this.#exclusive += 1;
    this.#permits += BigInt(permits);
  }

  remove({ exclusive, permits }: Claim): void {
    this.#leases -= 1;
    if (exclusive) this.#exclusive -= 1;
    this.#permits -= BigInt(permits);
  }

  clear(): void {
    this.#leases = 0;
    this.#exclusive = 0;
    this.#permits = 0n;
  }

  /**
   * Whether there is room for a claim beside these leases.
   *
   * Only the capacity of this claim counts. The permits in use may exceed the smaller capacity of an older lease.
   */
  hasRoomFor({ exclusive, permits, capacity }: Claim): boolean {
    if (exclusive) return this.#leases === 0;
    return this.#exclusive === 0 && this.#permits + BigInt(permits) <= capacity;
  }
}
