import { invariant } from "../invariant.ts";
import { type Lease, delayedUntil } from "./lease.ts";
import type { PastRequest } from "./past-requests.ts";

/** One row of storage: a lease, and the leases that used the row before it. */
export interface Slot {
  readonly index: number;
  lease: Lease;
  /** How the lease ended; undefined while it is live. In storage it may also be absent for a lease that has run out. */
  end: PastRequest | undefined;
  /** Earlier leases of this slot, newest first. */
  past: PastRequest[];
}

/** Until when a lease blocks others: to its deadline, plus its lock-delay unless it was released or superseded. */
export function inTheWayUntil({ lease, end }: Slot): number {
  return end && end.how !== "expired" ? lease.deadline : delayedUntil(lease);
}

/**
 * Enough to recognise a duplicate that arrives after a restart.
 *
 * The list is rewritten with each grant, so it is short.
 */
export const PAST_PER_SLOT = 32;

/**
 * The rows of a lock. They are reused, so a grant, a renewal, a release and a hand-off each write exactly one row.
 *
 * Any row may be reused: every new lease has the highest number so far, so the highest number is always stored.
 */
export class Slots {
  readonly #all = new Map<number, Slot>();
  readonly #free = new Set<Slot>();
  readonly #dirty = new Set<Slot>();
  /** Slots whose lease has expired, although storage does not say so yet. */
  readonly #unmarked = new Set<Slot>();

  /** Adds a slot that was read from storage. */
  load(slot: Slot): void {
    this.#all.set(slot.index, slot);
  }

  /**
   * Puts a new lease into a slot: a free slot that must be written anyway, or else any free slot, or else a new one.
   */
  place(lease: Lease): Slot {
    this.markDead();
    const slot = this.#reusable();
    if (!slot) return this.#append(lease);
    invariant(slot.end !== undefined, "A row was reused although its lease has not ended.");
    slot.past = [slot.end, ...slot.past].slice(0, PAST_PER_SLOT);
    slot.lease = lease;
    slot.end = undefined;
    this.#free.delete(slot);
    this.#dirty.add(slot);
    return slot;
  }

  /** Ends a lease. An expiry is not written at once, because its deadline is already stored. */
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
   * Writes the ends of all expired leases, because a new grant relies on them: no clock that steps back may undo them
   * after a restart.
   *
   * Leases whose lock-delay has not ended are left out: a grant that fits beside one would also fit if it were still
   * live.
   */
  markDead(): void {
    for (const slot of this.#unmarked) if (this.#free.has(slot)) this.touch(slot);
  }

  /** Writes the end of one expired lease, unless it is already written. */
  mark(end: PastRequest | undefined): void {
    for (const slot of this.#unmarked) if (slot.end === end) this.touch(slot);
  }

  /** Returns the slots to write; each is returned once. */
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
    // If rows were lost, the next index may be taken.
    while (this.#all.has(index)) index += 1;
    const slot: Slot = { index, lease, end: undefined, past: [] };
    this.#all.set(index, slot);
    this.#dirty.add(slot);
    return slot;
  }

  /** Prefers a slot that was just released: one write then stores both the release and the next grant (a hand-off). */
  #reusable(): Slot | undefined {
    for (const slot of this.#dirty) if (this.#free.has(slot)) return slot;
    for (const slot of this.#free) return slot;
    return undefined;
  }
}
