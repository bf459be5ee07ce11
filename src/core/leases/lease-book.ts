import { type Caller, refusalTo } from "../caller.ts";
import { type EventLog, eventOf } from "../events.ts";
import { invariant } from "../invariant.ts";
import type { LeaseEndedReply, LeaseEnd, RefusalReply, ReleaseReply, RenewReply } from "../replies.ts";
import { grantOf } from "./grant-reply.ts";
import { type Claim, type Lease, type LeaseSpec, instantOf, leaseOf, nextLeaseNumber } from "./lease.ts";
import { LiveLeases } from "./live-leases.ts";
import { firstRecords, recordsPerSlot } from "./past-records.ts";
import type { PastRequest } from "./past-request.ts";
import { isReleasedBy, PastRequests } from "./past-requests.ts";
import { Renewals } from "./renewals.ts";
import { otherRequest } from "./same-request.ts";
import { type Slot, inTheWayUntil, Slots } from "./slots.ts";

/**
 * Every lease of one lock: the live leases, what is remembered of the ended ones, and the lease numbers.
 *
 * It begins, changes and ends leases; each of these steps is idempotent by request id. `LockState` decides who gets a
 * lease and when.
 */
export class LeaseBook {
  readonly live = new LiveLeases();
  readonly #slots = new Slots();
  readonly #renewals = new Renewals();
  readonly #events: EventLog;
  readonly #past = new PastRequests();
  /** Separate from `#past`: if a request for a lease has the same id, the holders must still be asked to release. */
  readonly #releaseRequests = new PastRequests();
  #highest = 0;
  /** The highest number that a lease can have whose holder was asked to release. */
  #askedUpTo = 0;

  constructor(stored: Iterable<Slot>, now: number, events: EventLog) {
    this.#events = events;
    const slots = [...stored].sort((one, other) => one.lease.lease - other.lease.lease);
    const most = recordsPerSlot(slots.length);
    for (const slot of slots) {
      slot.past = firstRecords(slot.past, most);
      this.#past.load(slot.past);
      this.#load(slot, now);
    }
    this.#endConflicting(now);
  }

  /** Ends the leases and lock-delays whose time has run out. */
  advance(now: number): void {
    for (const slot of this.live.takeExpired(now)) this.#end(slot, "expired", now);
    for (const slot of this.live.takeLapsed(now)) this.#endDelay(slot);
  }

  /** Begins a lease. The caller has checked that the lock may grant it. */
  grant(spec: LeaseSpec, now: number): Lease {
    const { lease } = this.#begin(spec, now);
    this.#events.add(eventOf(lease, "granted", now));
    return lease;
  }

  /**
   * Takes a number for a forced release.
   *
   * It is the number of a lease that ends at once. That lease is stored, so the number is not reused after a restart.
   */
  takeNumber(requestId: string, now: number): number {
    const slot = this.#begin(instantOf(requestId), now);
    this.#bury(slot, "released", now, requestId);
    return slot.lease.lease;
  }

  /** Lengthens (or shortens) a live lease; never revives one that has ended. */
  renew(lease: number, ttl: number, requestId: string, now: number, caller?: Caller): RenewReply {
    const refusal = this.#refusal(lease, caller);
    return refusal ?? this.#change(lease, requestId, now, "renewed", { ttl, deadline: now + ttl });
  }

  /** Changes what a live lease takes, if the other leases leave room for it; undefined if they don't. */
  convert(lease: number, claim: Claim, requestId: string, now: number, caller?: Caller): RenewReply | undefined {
    const otherToken = this.#refusal(lease, caller);
    if (otherToken) return otherToken;
    const slot = this.live.byLease(lease);
    const isRepeated = slot !== undefined && this.#renewals.has(slot.lease, requestId);
    // If a later conversion has replaced this one, a repetition must not report a claim that the lease no longer has.
    const refusal = isRepeated ? otherRequest(slot.lease, { ...claim, job: slot.lease.job }) : undefined;
    if (refusal) return refusal;
    if (slot && !isRepeated && !this.live.admits(claim, slot)) return undefined;
    // Like a grant, a conversion relies on the expired leases staying dead.
    if (slot) this.#slots.markDead();
    const reply = this.#change(lease, requestId, now, "converted", claim);
    // Only a conversion that changed the lease is checked. A repetition reports an old claim, and the lock may have
    // granted other leases beside it since.
    if (slot && !isRepeated) this.live.checkGranted(slot.lease);
    return reply;
  }

  /** Ends a live lease. */
  release(lease: number, requestId: string, now: number, caller?: Caller): ReleaseReply {
    const refusal = this.#refusal(lease, caller);
    if (refusal) return refusal;
    const slot = this.live.byLease(lease);
    if (!slot) {
      const past = this.#past.byLease(lease);
      return (past !== undefined && isReleasedBy(past, requestId)) || this.confirmEnd(lease);
    }
    this.#end(slot, "released", now, requestId);
    return true;
  }

  /** Ends a live lease early, as if it had run out, because its holder has died. */
  expire(lease: number, now: number): void {
    const slot = this.live.byLease(lease);
    if (!slot) return;
    this.#end(slot, "expired", now);
    // Must be written: the stored deadline is still ahead, so after a restart the lease would be live again.
    this.#slots.touch(slot);
  }

  /** Ends the lease of a request, or makes sure that the request never gets one. */
  cancel(requestId: string, now: number): void {
    const slot = this.live.byRequest(requestId);
    if (slot) this.#end(slot, "released", now);
    // An unknown request is remembered too: the cancellation may have overtaken it.
    else if (!this.#past.byRequest(requestId)) this.#past.add({ requestId, how: "released" }, now);
  }

  /** Ends all leases and lock-delays, in favour of another holder. */
  supersedeAll(now: number): void {
    for (const slot of Array.from(this.live)) this.#end(slot, "superseded", now);
    for (const slot of this.live.takeLingering()) {
      // Written as superseded: if it were still stored as expired, its lock-delay would block others after a restart.
      if (slot.end) slot.end.how = "superseded";
      this.#slots.touch(slot);
      this.#endDelay(slot);
    }
  }

  /** Asks every holder to release. A repetition does not ask holders that came later. */
  requestRelease(requestId: string, now: number): void {
    if (this.#releaseRequests.byRequest(requestId)) return;
    this.#releaseRequests.add({ requestId, how: "released" }, now);
    // Holders up to the number of the last request were asked then, and are not gone through again.
    for (const slot of this.live.newestFirst()) {
      if (slot.lease.lease <= this.#askedUpTo) break;
      if (!slot.lease.releaseRequested) this.#askToRelease(slot);
    }
    this.#askedUpTo = this.#highest;
  }

  /** The outcome of a request that was decided before. Its reply was lost, or this is a late duplicate. */
  replay(requestId: string, now: number): RenewReply | undefined {
    const slot = this.live.byRequest(requestId);
    const past = this.#past.byRequest(requestId);
    if (!slot) return past && { success: false, reason: "NO_LONGER_VALID", ended: past.how };
    // Written again although nothing changed: a replaced instance must find out that it is stale before it replies with
    // a grant.
    this.#slots.touch(slot);
    return grantOf(slot.lease, now);
  }

  /** Whether the request with this id had a lease that has ended, or was cancelled. */
  hasEnded(requestId: string): boolean {
    return this.#past.byRequest(requestId) !== undefined;
  }

  /** The number that a forced release with this id took before. Such a lease begins and ends with the same request. */
  forcedBefore(requestId: string): number | undefined {
    const past = this.#past.byRequest(requestId);
    return past && isReleasedBy(past, requestId) ? past.lease : undefined;
  }

  /** Says how a lease that is not live ended, and writes its end to storage if it isn't stored yet. */
  confirmEnd(lease: number): LeaseEndedReply {
    const past = this.#past.byLease(lease);
    // The holder now learns that the lease is dead, so its end must be stored. Otherwise a clock that steps back could
    // revive the lease after a restart.
    this.#slots.mark(past);
    const ended = past?.how ?? (lease < this.#highest ? "superseded" : undefined);
    return { success: false, reason: "NO_LONGER_VALID", ...(ended && { ended }) };
  }

  /** When the last lease, including its lock-delay, ended or will end; undefined if nothing is stored. */
  lastUse(): number | undefined {
    return this.#slots.lastUse();
  }

  /** Forgets what was wiped from storage. This instance still remembers the highest number and the past requests. */
  forget(): void {
    this.#slots.clear();
    this.live.clear();
  }

  /** Returns the rows to write; each is returned once. */
  takeWrites(): Slot[] {
    return this.#slots.takeDirty();
  }

  #load(slot: Slot, now: number): void {
    const { lease } = slot;
    this.#highest = Math.max(this.#highest, lease.lease);
    // The clock may have stepped back while no instance was running, so a lease ends at most its ttl from now. The
    // shorter deadline is written, or each restart would lengthen the lease again.
    const latest = slot.end ? now : now + lease.ttl;
    if (lease.deadline > latest) this.#slots.touch(slot);
    lease.deadline = Math.min(lease.deadline, latest);
    this.#slots.load(slot);
    if (slot.end) this.#past.add(slot.end, now);
    if (slot.end) this.#settle(slot, now);
    else if (this.live.byLease(lease.lease)) this.#bury(slot, "superseded", now);
    else if (lease.deadline > now) this.live.add(slot);
    else this.#bury(slot, "expired", now);
  }

  /** Only damaged rows can conflict. Then the newest lease is kept, and every lease that conflicts with it is ended. */
  #endConflicting(now: number): void {
    const live = [...this.live];
    const newest = live.at(-1);
    for (const slot of live.slice(0, -1))
      if (slot.lease.exclusive || newest?.lease.exclusive) this.#bury(slot, "superseded", now);
  }

  #begin(spec: LeaseSpec, now: number): Slot {
    const number = nextLeaseNumber(this.#highest, now);
    invariant(
      number > this.#highest && Number.isSafeInteger(number),
      "A new lease number is not above the previous one.",
    );
    this.#highest = number;
    const slot = this.#slots.place(leaseOf(number, spec, now));
    invariant(!this.live.lingers(slot), "A row was reused before the lock-delay of its lease ended.");
    this.live.add(slot);
    this.live.checkGranted(slot.lease);
    return slot;
  }

  #change(
    lease: number,
    requestId: string,
    now: number,
    what: "renewed" | "converted",
    change: Partial<Lease>,
  ): RenewReply {
    const slot = this.live.byLease(lease);
    if (!slot) return this.confirmEnd(lease);
    invariant(!slot.end, "A lease that has ended still counts as live.");
    this.#slots.touch(slot);
    if (!this.#renewals.has(slot.lease, requestId)) {
      this.#renewals.add(slot.lease, requestId);
      const isVisible = Object.entries(change).some(([name, value]) => slot.lease[name as keyof Lease] !== value);
      this.live.change(slot, { ...change, renewalId: requestId });
      if (isVisible) this.#events.add({ what });
    }
    return grantOf(slot.lease, now);
  }

  /** Refuses a caller whose token name does not own the live lease. A lease that has ended belongs to no name. */
  #refusal(lease: number, caller: Caller | undefined): RefusalReply | undefined {
    const slot = this.live.byLease(lease);
    return slot && refusalTo(caller, slot.lease);
  }

  #end(slot: Slot, how: LeaseEnd, now: number, releaseId?: string): void {
    this.#events.add(eventOf(slot.lease, how, Math.min(slot.lease.deadline, now)));
    this.#bury(slot, how, now, releaseId);
    invariant(this.live.byLease(slot.lease.lease) !== slot, "A lease that has ended still counts as live.");
  }

  /** Ends a lease without an event, because the end of a loaded lease did not happen now. */
  #bury(slot: Slot, how: LeaseEnd, now: number, releaseId?: string): void {
    const { lease } = slot;
    const { requestId } = lease;
    const end: PastRequest = { requestId, lease: lease.lease, how, ...(releaseId !== undefined && { releaseId }) };
    this.live.delete(slot);
    this.#slots.end(slot, end);
    this.#past.add(end, now);
    lease.deadline = Math.min(lease.deadline, now);
    this.#settle(slot, now);
  }

  /**
   * An expired lease blocks others until its lock-delay ends.
   *
   * Any other ended lease blocks nobody, so its row is free.
   */
  #settle(slot: Slot, now: number): void {
    if (inTheWayUntil(slot) > now) this.live.linger(slot);
    else this.#slots.free(slot);
  }

  #askToRelease(slot: Slot): void {
    slot.lease.releaseRequested = true;
    this.#events.add({ what: "releaseRequested", lease: slot.lease.lease });
    this.#slots.touch(slot);
  }

  #endDelay(slot: Slot): void {
    this.#slots.free(slot);
    this.#events.add({ what: "delayEnded" });
  }
}
