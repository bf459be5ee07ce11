import { Bag } from "../bag.ts";
import { invariant } from "../invariant.ts";
import { type Lease, delayedUntil } from "./lease.ts";
import { type Records, NO_RECORDS, recordsPerSlot, withRecord } from "./past-records.ts";
import type { PastRequest } from "./past-request.ts";
import type { Remembered } from "./past-requests.ts";

/** One row of storage: a lease, and the leases that used the row before it. */
export interface Slot {
  readonly index: number;
  lease: Lease;
  /** How the lease ended; undefined while it is live. In storage it may also be absent for a lease that has run out. */
  end: PastRequest | undefined;
  /** The earlier leases of this slot. */
  past: Records;
}

/** Until when a lease blocks others: to its deadline, plus its lock-delay unless it was released or superseded. */
export function inTheWayUntil({ lease, end }: Slot): number {
  return end && end.how !== "expired" ? lease.deadline : delayedUntil(lease);
}

/**
 * The rows of a lock. They are reused, so a grant, a renewal, a release and a hand-off each write exactly one row.
 *
 * Any row may be reused: every new lease has the highest number so far, so the highest number is always stored.
 */
export class Slots {
  readonly #all = new Map<number, Slot>();
  readonly #dirty = new Set<Slot>();
  /** The free slots: those that must be written anyway, and the others. */
  readonly #freeDirty = new Bag<Slot>();
  readonly #freeClean = new Bag<Slot>();
  /** Slots whose lease has expired, although storage does not say so yet, by the end of that lease. */
  readonly #unmarked = new Map<Remembered, Slot>();
  /** Those of them that are free. */
  readonly #freeUnmarked = new Set<Slot>();

  /** Adds a slot that was read from storage. */
  load(slot: Slot): void {
    this.#all.set(slot.index, slot);
  }

  /**
   * Puts a new lease into a slot: a free slot that must be written anyway, or else any free slot, or else a new one.
   */
  place(lease: Lease): Slot {
    this.markDead();
    // A slot that was just released comes first: one write then stores both the release and the next grant (a hand-off).
    const slot = this.#freeDirty.any ?? this.#freeClean.any;
    if (!slot) return this.#append(lease);
    invariant(slot.end !== undefined, "A row was reused although its lease has not ended.");
    // Once another lease uses the row of an expired lease, that lease counts as superseded.
    if (slot.end.how === "expired") slot.end.how = "superseded";
    slot.past = withRecord(slot.past, slot.end, recordsPerSlot(this.#all.size));
    slot.lease = lease;
    slot.end = undefined;
    this.#freeDirty.delete(slot);
    this.#freeClean.delete(slot);
    this.#dirty.add(slot);
    return slot;
  }

  /** Ends a lease. An expiry is not written at once, because its deadline is already stored. */
  end(slot: Slot, end: PastRequest): void {
    slot.end = end;
    if (end.how === "expired") this.#unmarked.set(end, slot);
    else this.touch(slot);
  }

  /** Frees a slot whose lease has ended and no longer blocks anybody. */
  free(slot: Slot): void {
    (this.#dirty.has(slot) ? this.#freeDirty : this.#freeClean).add(slot);
    if (slot.end && this.#unmarked.has(slot.end)) this.#freeUnmarked.add(slot);
  }

  touch(slot: Slot): void {
    if (slot.end) this.#unmarked.delete(slot.end);
    this.#freeUnmarked.delete(slot);
    this.#dirty.add(slot);
    if (this.#freeClean.delete(slot)) this.#freeDirty.add(slot);
  }

  /**
   * Writes the ends of all expired leases, because a new grant relies on them: no clock that steps back may undo them
   * after a restart.
   *
   * Leases whose lock-delay has not ended are left out: a grant that fits beside one would also fit if it were still
   * live.
   */
  markDead(): void {
    for (const slot of this.#freeUnmarked) this.touch(slot);
  }

  /** Writes the end of one expired lease, unless it is already written. */
  mark(end: Remembered | undefined): void {
    const slot = end && this.#unmarked.get(end);
    if (slot) this.touch(slot);
  }

  /** Returns the slots to write; each is returned once. */
  takeDirty(): Slot[] {
    const dirty = [...this.#dirty];
    this.#dirty.clear();
    for (const slot of this.#freeDirty) this.#freeClean.add(slot);
    this.#freeDirty.clear();
    return dirty;
  }

  /** When the last lease, with its lock-delay, ended or will end; undefined if nothing is stored. */
  lastUse(): number | undefined {
    let last: number | undefined;
    for (const slot of this.#all.values()) last = Math.max(last ?? 0, inTheWayUntil(slot));
    return last;
  }

  clear(): void {
    this.#all.clear();
    this.#dirty.clear();
    this.#freeDirty.clear();
    this.#freeClean.clear();
    this.#unmarked.clear();
    this.#freeUnmarked.clear();
  }

  #append(lease: Lease): Slot {
    let index = this.#all.size;
    // If rows were lost, the next index may be taken.
    while (this.#all.has(index)) index += 1;
    const slot: Slot = { index, lease, end: undefined, past: NO_RECORDS };
    this.#all.set(index, slot);
    this.#dirty.add(slot);
    return slot;
  }
}
