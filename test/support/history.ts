import type { Claim } from "../../src/client.ts";

interface Held extends Claim {
  lease: number;
}

const exclusive: Claim = { exclusive: true, permits: 1, capacity: 1 };
export const WRITER = exclusive;
export const READER: Claim = { exclusive: false, permits: 1, capacity: Infinity };
export const permitsOf = (permits: number, capacity: number): Claim => ({ exclusive: false, permits, capacity });

/** Records what happens on many locks, in order, and collects violations: what no correct lock could have done. */
export class History {
  readonly violations: string[] = [];
  readonly #held = new Map<string, Set<Held>>();
  readonly #highest = new Map<string, number>();
  entered = 0;

  /** Begins a critical section. Call `leave` to end it. */
  enter(id: string, lease: number, claim: Claim): { leave: () => void; convert: (claim: Claim) => void } {
    const held = { ...claim, lease };
    this.entered += 1;
    this.#check(id, held);
    if ([...this.#of(id)].some((other) => other.lease === lease)) this.violations.push(`${id}: lease ${lease} twice`);
    // Only exclusive grants are recorded in the order in which they were made. Shared ones may be recorded late.
    if (claim.exclusive && lease <= (this.#highest.get(id) ?? 0)) this.violations.push(`${id}: ${lease} does not grow`);
    this.#highest.set(id, Math.max(lease, this.#highest.get(id) ?? 0));
    this.#of(id).add(held);
    return {
      leave: () => void this.#of(id).delete(held),
      convert: (to) => {
        this.#of(id).delete(held);
        Object.assign(held, to);
        this.#check(id, held);
        this.#of(id).add(held);
      },
    };
  }

  #check(id: string, held: Held): void {
    const others = [...this.#of(id)];
    const inUse = others.reduce((sum, { permits }) => sum + permits, 0);
    const conflicts = held.exclusive
      ? others.length > 0
      : others.some((other) => other.exclusive) || inUse + held.permits > held.capacity;
    if (conflicts) this.violations.push(`${id}: ${JSON.stringify(held)} beside ${JSON.stringify(others)}`);
  }

  #of(id: string): Set<Held> {
    const held = this.#held.get(id) ?? new Set();
    this.#held.set(id, held);
    return held;
  }
}
