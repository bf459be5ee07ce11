import type { Claim } from "./lease.ts";
import { LIMITS } from "./limits.ts";
import type { Slot } from "./slots.ts";

/** The live leases of a lock, and the admission rule over them. */
export class LiveLeases {
  readonly #byLease = new Map<number, Slot>();
  readonly #byRequest = new Map<string, Slot>();

  get isFull(): boolean {
    return this.#byLease.size >= LIMITS.maxLeases;
  }

  add(slot: Slot): void {
    this.#byLease.set(slot.lease.lease, slot);
    this.#byRequest.set(slot.lease.requestId, slot);
  }

  delete(slot: Slot): void {
    this.#byLease.delete(slot.lease.lease);
    this.#byRequest.delete(slot.lease.requestId);
  }

  byLease(lease: number): Slot | undefined {
    return this.#byLease.get(lease);
  }

  byRequest(requestId: string): Slot | undefined {
    return this.#byRequest.get(requestId);
  }

  /** The admission rule: `exclusive` needs no other lease; otherwise no exclusive one, and the permits must fit. */
  admits(claim: Claim): boolean {
    if (claim.exclusive) return this.#byLease.size === 0;
    if (this.isFull) return false;
    let inUse = 0;
    for (const { lease } of this.#byLease.values()) {
      if (lease.exclusive) return false;
      inUse += lease.permits;
    }
    return inUse + claim.permits <= claim.capacity;
  }

  /** Those whose time has run out. */
  expired(now: number): Slot[] {
    return [...this.#byLease.values()].filter(({ lease }) => lease.deadline <= now);
  }

  /** When the first lease ends if nobody renews it; `Infinity` if there is none. */
  firstDeadline(): number {
    let first = Number.POSITIVE_INFINITY;
    for (const { lease } of this.#byLease.values()) first = Math.min(first, lease.deadline);
    return first;
  }

  clear(): void {
    this.#byLease.clear();
    this.#byRequest.clear();
  }

  *[Symbol.iterator](): Generator<Slot> {
    yield* this.#byLease.values();
  }
}
