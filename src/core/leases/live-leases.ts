import { LIMITS } from "../limits.ts";
import type { BorrowedReply, LimitReachedReply } from "../replies.ts";
import { RequestsById } from "../requests-by-id.ts";
import { Schedule } from "../schedule.ts";
import { Shares } from "../shares.ts";
import { type Claim, type Lease, delayedUntil } from "./lease.ts";
import { Occupancy } from "./occupancy.ts";
import type { Slot } from "./slots.ts";

/** What the admission of a request depends on. */
type AdmissionRequest = Claim & { requestId?: string };

/** The live leases of a lock, the expired leases whose lock-delay has not ended, and the admission rule over both. */
export class LiveLeases {
  readonly #byLease = new Map<number, Slot>();
  readonly #byRequest = new RequestsById<Slot>();
  /** The live lease with the highest number; undefined if there is none or it is not known. */
  #newest: Slot | undefined;
  /** Expired leases whose lock-delay still blocks every request that conflicts with them. */
  readonly #lingering = new Set<Slot>();
  readonly #shares = new Shares();
  /** When the live leases expire, and when the lock-delays end. */
  readonly #deadlines = new Schedule<Slot>();
  readonly #delays = new Schedule<Slot>();
  /** What the live and the lingering leases take together. */
  readonly occupancy = new Occupancy();

  /** How many leases are live. */
  get size(): number {
    return this.#byLease.size;
  }

  /** The live lease with the highest number. A search is needed only after that lease ends, so watching stays cheap. */
  get newest(): Slot | undefined {
    if (!this.#newest) for (const slot of this.#byLease.values()) this.#noteNewest(slot);
    return this.#newest;
  }

  /**
   * Refuses a request if the limit of leases is reached, however many permits are free; undefined if it is not.
   *
   * An exclusive lease is always the only one, so the limit does not apply to it.
   */
  full({ requestId = "", exclusive }: AdmissionRequest): LimitReachedReply | undefined {
    const refusal = { success: false, reason: "TOO_MANY_LEASES" } as const;
    if (exclusive) return undefined;
    if (this.#shares.of(requestId) >= LIMITS.maxLeasesPerToken) return { ...refusal, share: true };
    return this.#isFull ? refusal : undefined;
  }

  /** The refusal of a request that conflicts with these leases. */
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
    // Damaged rows may give two leases the same number. A forced release may have the request id of another lease.
    if (this.#byLease.get(lease) === slot) {
      this.#byLease.delete(lease);
      this.#shares.change(requestId, -1);
      this.#deadlines.delete(slot);
      this.occupancy.remove(slot.lease);
      if (this.#newest === slot) this.#newest = undefined;
    }
    this.#byRequest.delete(requestId, slot);
  }

  /** Lets an expired lease block conflicting requests until its lock-delay ends. */
  linger(slot: Slot): void {
    if (this.#lingering.has(slot)) return;
    this.#lingering.add(slot);
    this.#shares.change(slot.lease.requestId, 1);
    this.#delays.set(slot, delayedUntil(slot.lease));
    this.occupancy.add(slot.lease);
  }

  /** Whether the lease of a slot has expired, but its lock-delay has not ended. */
  lingers(slot: Slot): boolean {
    return this.#lingering.has(slot);
  }

  byLease(lease: number): Slot | undefined {
    return this.#byLease.get(lease);
  }

  byRequest(requestId: string): Slot | undefined {
    return this.#byRequest.get(requestId);
  }

  /**
   * The request ids of all live leases whose callers gave the same id as this request, under any token name or none.
   */
  ofEveryName(requestId: string): string[] {
    return this.#byRequest.ofEveryName(requestId);
  }

  /**
   * The admission rule: an exclusive claim, which takes one permit of one, needs the lock without any other lease.
   * Otherwise there must be no exclusive lease, and the permits must fit.
   *
   * A lease that is being converted is left out of the count.
   */
  admits(claim: AdmissionRequest, converted?: Slot): boolean {
    let inUse = 0;
    for (const slot of this.#blocking()) {
      if (slot === converted) continue;
      if (claim.exclusive || slot.lease.exclusive) return false;
      inUse += slot.lease.permits;
    }
    return (converted !== undefined || !this.full(claim)) && inUse + claim.permits <= claim.capacity;
  }

  /** Takes the leases that have run out off the schedule; the caller must end each of them. */
  takeExpired(now: number): Slot[] {
    return this.#deadlines.takeDue(now);
  }

  /** Removes and returns the leases whose lock-delay has ended. */
  takeLapsed(now: number): Slot[] {
    return this.#delays.takeDue(now).map((slot) => this.#takeOut(slot));
  }

  /** Removes and returns all leases that linger. */
  takeLingering(): Slot[] {
    return [...this.#lingering].map((slot) => this.#takeOut(slot));
  }

  /** When the first lease or lock-delay ends, if no lease is renewed; `Infinity` if there is none. */
  firstDeadline(): number {
    return Math.min(this.#deadlines.first(), this.#delays.first());
  }

  /**
   * When the last lock-delay ends; undefined if there is none.
   *
   * Includes leases that are past their deadline, but not yet ended.
   */
  delayedUntil(now: number): number | undefined {
    let last = now;
    for (const { lease } of this.#blocking()) if (lease.deadline <= now) last = Math.max(last, delayedUntil(lease));
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

  /** Leases that linger count too, because each occupies a row. */
  get #isFull(): boolean {
    return this.#byLease.size + this.#lingering.size >= LIMITS.maxLeases;
  }

  *#blocking(): Generator<Slot> {
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
