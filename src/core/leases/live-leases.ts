import { LIMITS } from "../limits.ts";
import type { BorrowedReply, LimitReachedReply } from "../replies.ts";
import { RequestsById } from "../requests-by-id.ts";
import { Schedule } from "../schedule.ts";
import { Shares } from "../shares.ts";
import { type Claim, type Lease, delayedUntil } from "./lease.ts";
import { Occupancy } from "./occupancy.ts";
import type { Slot } from "./slots.ts";

/** What a request for a lease asks for, as far as its admission depends on it. */
type Asked = Claim & { requestId?: string };

/** The live leases of a lock and those whose lock-delay is not over, and the admission rule over them. */
export class LiveLeases {
  readonly #byLease = new Map<number, Slot>();
  readonly #byRequest = new RequestsById<Slot>();
  /** The live lease with the highest number, as long as it is known. */
  #newest: Slot | undefined;
  /** Dead, but nothing that conflicts with them is granted yet. */
  readonly #lingering = new Set<Slot>();
  readonly #shares = new Shares();
  /** When the live leases expire, and when the lock-delays end. */
  readonly #deadlines = new Schedule<Slot>();
  readonly #delays = new Schedule<Slot>();
  /** What the live and the lingering take together. */
  readonly occupancy = new Occupancy();

  /** How many are live. */
  get size(): number {
    return this.#byLease.size;
  }

  /** The live lease with the highest number. It is searched for only after it has ended, so that watching costs nothing per lease. */
  get newest(): Slot | undefined {
    if (!this.#newest) for (const slot of this.#byLease.values()) this.#noteNewest(slot);
    return this.#newest;
  }

  /** Why the lock can grant no further lease, whatever is free; undefined if it can. An exclusive one is always alone. */
  full({ requestId = "", exclusive }: Asked): LimitReachedReply | undefined {
    const refusal = { success: false, reason: "TOO_MANY_LEASES" } as const;
    if (exclusive) return undefined;
    if (this.#shares.of(requestId) >= LIMITS.maxLeasesPerToken) return { ...refusal, share: true };
    return this.#isFull ? refusal : undefined;
  }

  /** Refuses what does not fit beside them. */
  taken(now: number): BorrowedReply {
    const first = this.firstDeadline();
    return { success: false, reason: "BORROWED", ...(first < Infinity && { retryAfter: Math.max(1, first - now) }) };
  }

  add(slot: Slot): void {
    this.#byLease.set(slot.lease.lease, slot);
    this.#byRequest.add(slot.lease.requestId, slot);
    this.#shares.change(slot.lease.requestId, 1);
    this.#deadlines.set(slot, slot.lease.deadline);
    this.occupancy.add(slot.lease);
    if (this.#newest) this.#noteNewest(slot);
  }

  /** Changes a live lease. */
  change(slot: Slot, change: Partial<Lease>): void {
    this.occupancy.remove(slot.lease);
    Object.assign(slot.lease, change);
    this.occupancy.add(slot.lease);
    this.#deadlines.set(slot, slot.lease.deadline);
  }

  delete(slot: Slot): void {
    const { lease, requestId } = slot.lease;
    // Damaged rows may give two leases one number, and a forced release the request id of another.
    if (this.#byLease.get(lease) === slot) {
      this.#byLease.delete(lease);
      this.#shares.change(requestId, -1);
      this.#deadlines.delete(slot);
      this.occupancy.remove(slot.lease);
      if (this.#newest === slot) this.#newest = undefined;
    }
    this.#byRequest.delete(requestId, slot);
  }

  /** Keeps a dead lease in the way until its lock-delay is over. */
  linger(slot: Slot): void {
    if (this.#lingering.has(slot)) return;
    this.#lingering.add(slot);
    this.#shares.change(slot.lease.requestId, 1);
    this.#delays.set(slot, delayedUntil(slot.lease));
    this.occupancy.add(slot.lease);
  }

  /** Whether a slot has a dead lease that is still in the way. */
  lingers(slot: Slot): boolean {
    return this.#lingering.has(slot);
  }

  byLease(lease: number): Slot | undefined {
    return this.#byLease.get(lease);
  }

  byRequest(requestId: string): Slot | undefined {
    return this.#byRequest.get(requestId);
  }

  /** The request ids of all leases whose callers gave the same id as this one, whatever their token. */
  ofEveryName(requestId: string): string[] {
    return this.#byRequest.ofEveryName(requestId);
  }

  /**
   * The admission rule: `exclusive`, which takes one permit of one, needs no other lease; otherwise there may be no
   * exclusive one, and the permits must fit.
   *
   * A lease that is to be converted is judged as if it were not there.
   */
  admits(claim: Asked, converted?: Slot): boolean {
    let inUse = 0;
    for (const slot of this.#inTheWay()) {
      if (slot === converted) continue;
      if (claim.exclusive || slot.lease.exclusive) return false;
      inUse += slot.lease.permits;
    }
    return (converted !== undefined || !this.full(claim)) && inUse + claim.permits <= claim.capacity;
  }

  /** Takes those whose time has run out off the schedule: the caller ends each of them. */
  takeExpired(now: number): Slot[] {
    return this.#deadlines.takeDue(now);
  }

  /** Takes out those whose lock-delay is over. */
  takeLapsed(now: number): Slot[] {
    return this.#delays.takeDue(now).map((slot) => this.#takeOut(slot));
  }

  /** Takes out all that linger. */
  takeLingering(): Slot[] {
    return [...this.#lingering].map((slot) => this.#takeOut(slot));
  }

  /** When the first lease or lock-delay ends if nobody renews it; `Infinity` if there is none. */
  firstDeadline(): number {
    return Math.min(this.#deadlines.first(), this.#delays.first());
  }

  /** Until when the last lock-delay lasts, also of a lease whose expiry nobody has noticed yet; undefined for none. */
  delayedUntil(now: number): number | undefined {
    let last = now;
    for (const { lease } of this.#inTheWay()) if (lease.deadline <= now) last = Math.max(last, delayedUntil(lease));
    return last > now ? last : undefined;
  }

  clear(): void {
    this.#byLease.clear();
    this.#byRequest.clear();
    this.#lingering.clear();
    this.#shares.clear();
    this.#deadlines.clear();
    this.#delays.clear();
    this.occupancy.clear();
    this.#newest = undefined;
  }

  *[Symbol.iterator](): Generator<Slot> {
    yield* this.#byLease.values();
  }

  /** Leases that linger count too, because each keeps a row. */
  get #isFull(): boolean {
    return this.#byLease.size + this.#lingering.size >= LIMITS.maxLeases;
  }

  *#inTheWay(): Generator<Slot> {
    yield* this.#byLease.values();
    yield* this.#lingering;
  }

  #noteNewest(slot: Slot): void {
    if (!this.#newest || slot.lease.lease > this.#newest.lease.lease) this.#newest = slot;
  }

  #takeOut(slot: Slot): Slot {
    this.#lingering.delete(slot);
    this.#delays.delete(slot);
    this.#shares.change(slot.lease.requestId, -1);
    this.occupancy.remove(slot.lease);
    return slot;
  }
}
