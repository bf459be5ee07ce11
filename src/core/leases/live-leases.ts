import { invariant } from "../invariant.ts";
import { LIMITS } from "../limits.ts";
import type { BorrowedReply, LimitReachedReply } from "../replies.ts";
import { RequestsById } from "../requests-by-id.ts";
import { Schedule } from "../schedule.ts";
import { Shares } from "../shares.ts";
import { SortedList } from "../sorted-list.ts";
import { type Claim, type Lease, delayedUntil } from "./lease.ts";
import { Occupancy } from "./occupancy.ts";
import type { Slot } from "./slots.ts";

/** What the admission of a request depends on. */
type AdmissionRequest = Claim & { requestId?: string };

/** Up to how many leases a grant is checked by counting them one by one. */
const FEW = 16;

/** The live leases of a lock, the expired leases whose lock-delay has not ended, and the admission rule over both. */
export class LiveLeases {
  readonly #byLease = new Map<number, Slot>();
  readonly #byRequest = new RequestsById<Slot>();
  /** The live leases by number, so from the oldest to the newest. */
  readonly #byAge = new SortedList<Slot>((one, other) => one.lease.lease - other.lease.lease);
  /** Expired leases whose lock-delay still blocks every request that conflicts with them. */
  readonly #lingering = new Set<Slot>();
  readonly #shares = new Shares();
  /** When the live leases expire, and when the lock-delays end. */
  readonly #deadlines = new Schedule<Slot>();
  readonly #delays = new Schedule<Slot>();
  readonly #occupancy = new Occupancy();

  /** How many leases are live. */
  get size(): number {
    return this.#byLease.size;
  }

  /** The live lease if there is just one. A once-only job takes the whole lock, so it runs under such a lease. */
  get only(): Slot | undefined {
    return this.size === 1 ? this.#byAge.first : undefined;
  }

  /** The live leases from the newest to the oldest. */
  newestFirst(): Iterable<Slot> {
    return this.#byAge.backwards();
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
    // Leases that linger count too, because each occupies a row.
    return this.#blockers >= LIMITS.maxLeases ? refusal : undefined;
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
    this.#byAge.add(slot);
    this.#occupancy.add(slot.lease);
  }

  /** Changes a live lease. */
  change(slot: Slot, change: Partial<Lease>): void {
    this.#occupancy.remove(slot.lease);
    Object.assign(slot.lease, change);
    this.#occupancy.add(slot.lease);
    this.#deadlines.set(slot, slot.lease.deadline);
  }

  delete(slot: Slot): void {
    const { lease, requestId } = slot.lease;
    // Damaged rows may give two leases the same number. A forced release may have the request id of another lease.
    if (this.#byLease.get(lease) === slot) {
      this.#byLease.delete(lease);
      this.#shares.change(requestId, -1);
      this.#deadlines.delete(slot);
      this.#byAge.delete(slot);
      this.#occupancy.remove(slot.lease);
    }
    this.#byRequest.delete(requestId, slot);
  }

  /** Lets an expired lease block conflicting requests until its lock-delay ends. */
  linger(slot: Slot): void {
    if (this.#lingering.has(slot)) return;
    this.#lingering.add(slot);
    this.#shares.change(slot.lease.requestId, 1);
    this.#delays.set(slot, delayedUntil(slot.lease));
    this.#occupancy.add(slot.lease);
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
    if (!converted) return !this.full(claim) && this.#occupancy.hasRoomFor(claim);
    this.#occupancy.remove(converted.lease);
    const admitted = this.#occupancy.hasRoomFor(claim);
    this.#occupancy.add(converted.lease);
    return admitted;
  }

  /**
   * Checks that a claim that was just granted, and is already counted, does not conflict with the others.
   *
   * It does not use the sums that admitted the claim, but goes through the leases, so it can find an error in the sums.
   * Among many leases that would cost too much.
   */
  checkGranted({ exclusive, capacity }: Claim): void {
    if (exclusive)
      return invariant(this.#blockers === 1, "An exclusive lease was granted although another lease blocks it.");
    if (this.#blockers > FEW) return;
    const claims = [...this.#blocking()].map(({ lease }) => lease);
    const isShared = claims.every((claim) => !claim.exclusive);
    invariant(isShared, "A shared lease was granted although an exclusive lease blocks it.");
    const inUse = claims.reduce((sum, { permits }) => sum + BigInt(permits), 0n);
    invariant(inUse <= capacity, "More permits are in use than the requested capacity.");
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
    this.#occupancy.clear();
    this.#byAge.clear();
  }

  /** The live leases from the oldest to the newest. */
  [Symbol.iterator](): Generator<Slot> {
    return this.#byAge[Symbol.iterator]();
  }

  get #blockers(): number {
    return this.#byLease.size + this.#lingering.size;
  }

  *#blocking(): Generator<Slot> {
    yield* this.#byAge;
    yield* this.#lingering;
  }

  #takeOut(slot: Slot): Slot {
    this.#lingering.delete(slot);
    this.#delays.delete(slot);
    this.#shares.change(slot.lease.requestId, -1);
    this.#occupancy.remove(slot.lease);
    return slot;
  }
}
