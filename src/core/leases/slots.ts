import { invariant } from "../invariant.ts";
import { type Lease, delayedUntil } from "./lease.ts";
import type { PastRequest } from "./past-requests.ts";

/** One row of storage: a lease, and the leases that used the row before it. */
export interface Slot {
  readonly index: number;
  lease: Lease;
  /** How the lease ended; absent while it is live, and on disk also when it merely ran out. */
  end: PastRequest | undefined;
  /** Earlier leases of this slot, newest first. */
  past: PastRequest[];
}

/** Until when a lease is live or, once it has expired, in the way of others by its lock-delay. */
export function inTheWayUntil({ lease, end }: Slot): number {
  return end && end.how !== "expired" ? lease.deadline : delayedUntil(lease);
}

/** Enough to recognise a duplicate that crosses a restart; it is rewritten with each grant, so it stays short. */
export const PAST_PER_SLOT = 32;

/**
 * The rows of a lock: reused, so that a grant, a renewal, a release and a hand-off each write exactly one.
 *
 * Every new lease has the highest number so far, so reusing any row keeps the highest number stored.
 */
export class Slots {
  readonly #all = new Map<number, Slot>();
  readonly #free = new Set<Slot>();
  readonly #dirty = new Set<Slot>();
  /** Those whose lease has expired without storage saying so. */
  readonly #unmarked = new Set<Slot>();

  /** Takes over what storage holds. */
  load(slot: Slot): void {
    this.#all.set(slot.index, slot);
  }

  /** Puts a new lease into a slot: one that must be written anyway, or else any free one, or else a new one. */
  place(lease: Lease): Slot {
    this.markDead();
    const slot = this.#reusable();
    if (!slot) return this.#append(lease);
    invariant(slot.end !== undefined, "The row of a lease that has not ended is used for another lease.");
    slot.past = [slot.end, ...slot.past].slice(0, PAST_PER_SLOT);
    slot.lease = lease;
    slot.end = undefined;
    this.#free.delete(slot);
    this.#dirty.add(slot);
    return slot;
  }

  /** Ends a lease: noticing that it expired is not worth a write by itself. */
  end(slot: Slot, end: PastRequest): void {
    slot.end = end;
    if (end.how === "expired") this.#unmarked.add(slot);
    else this.touch(slot);
  }

  /** Frees a slot whose lease has ended and no longer blocks anybody. */
  free(slot: Slot): void {
    this.#free.add(slot);
  }

  touch(slot: Slot): void {
    this.#unmarked.delete(slot);
    this.#dirty.add(slot);
  }

  /**
   * Writes down all ends that somebody relies on from now on: no clock that steps back may undo them after a restart.
   *
   * Not of leases with a lock-delay that is not over: whatever fits beside one would fit beside it if it were live.
   */
  markDead(): void {
    for (const slot of this.#unmarked) if (this.#free.has(slot)) this.touch(slot);
  }

  /** Writes the end of an expired lease down, once. */
  mark(end: PastRequest | undefined): void {
    for (const slot of this.#unmarked) if (slot.end === end) this.touch(slot);
  }

  /** The slots to write, each once. */
  takeDirty(): Slot[] {
    const dirty = [...this.#dirty];
    this.#dirty.clear();
    return dirty;
  }

  /** When the last lease, with its lock-delay, ended or will end; undefined if nothing is stored. */
  lastUse(): number | undefined {
    return this.#all.size === 0 ? undefined : Math.max(...[...this.#all.values()].map(inTheWayUntil));
  }

  clear(): void {
    this.#all.clear();
    this.#free.clear();
    this.#dirty.clear();
    this.#unmarked.clear();
  }

  #append(lease: Lease): Slot {
    let index = this.#all.size;
    // Rows may have been lost.
    while (this.#all.has(index)) index += 1;
    const slot: Slot = { index, lease, end: undefined, past: [] };
    this.#all.set(index, slot);
    this.#dirty.add(slot);
    return slot;
  }

  /** A slot that was just released is written once for both its release and the grant that follows: a hand-off. */
  #reusable(): Slot | undefined {
    for (const slot of this.#dirty) if (this.#free.has(slot)) return slot;
    for (const slot of this.#free) return slot;
    return undefined;
  }
}
