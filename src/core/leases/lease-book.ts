import { type Caller, refusalTo } from "../caller.ts";
import type { EventLog } from "../events.ts";
import { invariant } from "../invariant.ts";
import type { LeaseEndedReply, LeaseEnd, RefusalReply, ReleaseReply, RenewReply, TimelineEntry } from "../replies.ts";
import { grantOf } from "./grant-reply.ts";
import { type Claim, type Lease, type LeaseSpec, instantOf, leaseOf, nextLeaseNumber } from "./lease.ts";
import { LiveLeases } from "./live-leases.ts";
import { type PastRequest, PastRequests } from "./past-requests.ts";
import { Renewals } from "./renewals.ts";
import { otherRequest } from "./same-request.ts";
import { type Slot, inTheWayUntil, Slots } from "./slots.ts";

/**
 * Every lease of one lock: the live, what is remembered of the dead, and the numbers.
 *
 * Here a lease begins, changes and ends, each idempotent by request id; who gets one and when is `LockState`'s to
 * decide.
 */
export class LeaseBook {
  readonly live = new LiveLeases();
  readonly #slots = new Slots();
  readonly #renewals = new Renewals();
  readonly #events: EventLog;
  readonly #past = new PastRequests();
  /** Separate from the requests for leases: if a lease request has the same id, the holder must still be asked. */
  readonly #askedToRelease = new PastRequests();
  #highest = 0;

  constructor(stored: Iterable<Slot>, now: number, events: EventLog) {
    this.#events = events;
    for (const slot of [...stored].sort((one, other) => one.lease.lease - other.lease.lease)) this.#load(slot, now);
    this.#endConflicting(now);
  }

  /** Lets leases expire, and lock-delays run out. */
  advance(now: number): void {
    for (const slot of this.live.takeExpired(now)) this.#end(slot, "expired", now);
    for (const slot of this.live.takeLapsed(now)) this.#endDelay(slot);
  }

  /** Begins a lease; whether it may is decided by the caller. */
  grant(spec: LeaseSpec, now: number): Lease {
    const { lease } = this.#begin(spec, now);
    this.#events.add(eventOf(lease, "granted", now));
    return lease;
  }

  /** Takes a number for a forced release: a lease that ends at once, so that a restart can't give its number out again. */
  takeNumber(requestId: string, now: number): number {
    const slot = this.#begin(instantOf(requestId), now);
    this.#bury(slot, "released", now, requestId);
    return slot.lease.lease;
  }

  /** Lengthens (or shortens) a live lease; never revives one that ended. */
  renew(lease: number, ttl: number, requestId: string, now: number, caller?: Caller): RenewReply {
    const refusal = this.#refusal(lease, caller);
    return refusal ?? this.#change(lease, requestId, now, "renewed", { ttl, deadline: now + ttl });
  }

  /** Changes what a live lease takes, if the others leave room for it; undefined if they don't. */
  convert(lease: number, claim: Claim, requestId: string, now: number, caller?: Caller): RenewReply | undefined {
    const notYours = this.#refusal(lease, caller);
    if (notYours) return notYours;
    const slot = this.live.byLease(lease);
    const isRepeated = slot !== undefined && this.#renewals.has(slot.lease, requestId);
    // If a later conversion has overtaken this one, its repeat must not report a claim that the lease no longer has.
    const refusal = isRepeated ? otherRequest(slot.lease, { ...claim, job: slot.lease.job }) : undefined;
    if (refusal) return refusal;
    if (slot && !isRepeated && !this.live.admits(claim, slot)) return undefined;
    // It relies on the others being dead, as a grant does.
    if (slot) this.#slots.markDead();
    const reply = this.#change(lease, requestId, now, "converted", claim);
    // Judged only if it was changed: a repetition reports a claim that others may have been granted beside since.
    if (slot && !isRepeated) this.live.occupancy.check(slot.lease);
    return reply;
  }

  /** Ends a live lease. */
  release(lease: number, requestId: string, now: number, caller?: Caller): ReleaseReply {
    const refusal = this.#refusal(lease, caller);
    if (refusal) return refusal;
    const slot = this.live.byLease(lease);
    if (!slot) {
      const repeated = this.#past.byLease(lease)?.releaseId === requestId;
      return repeated || this.confirmEnd(lease);
    }
    this.#end(slot, "released", now, requestId);
    return true;
  }

  /** Ends a live lease before its time, as if it had run out: its holder is gone. */
  expire(lease: number, now: number): void {
    const slot = this.live.byLease(lease);
    if (!slot) return;
    this.#end(slot, "expired", now);
    // Unlike one that ran out by itself, it would live on after a restart.
    this.#slots.touch(slot);
  }

  /** Ends the lease of a request, or sees to it that it never gets one. */
  cancel(requestId: string, now: number): void {
    const slot = this.live.byRequest(requestId);
    if (slot) this.#end(slot, "released", now);
    // Remembered even if unknown: the cancellation may have overtaken the request.
    else if (!this.#past.byRequest(requestId)) this.#past.add({ requestId, how: "released" }, now);
  }

  /** Ends all leases and lock-delays, in favour of another holder. */
  supersedeAll(now: number): void {
    for (const slot of this.live) this.#end(slot, "superseded", now);
    for (const slot of this.live.takeLingering()) {
      // Written: after a restart a lease that merely expired would be in the way again.
      if (slot.end) slot.end.how = "superseded";
      this.#slots.touch(slot);
      this.#endDelay(slot);
    }
  }

  /** Asks every holder to release; repeated, it asks nobody who came since. */
  requestRelease(requestId: string, now: number): void {
    if (this.#askedToRelease.byRequest(requestId)) return;
    this.#askedToRelease.add({ requestId, how: "released" }, now);
    for (const slot of this.live) {
      if (slot.lease.releaseRequested) continue;
      slot.lease.releaseRequested = true;
      this.#events.add({ what: "releaseRequested" });
      this.#slots.touch(slot);
    }
  }

  /** The outcome of a request that was decided before: a reply was lost, or a duplicate arrived late. */
  replay(requestId: string, now: number): RenewReply | undefined {
    const slot = this.live.byRequest(requestId);
    const past = this.#past.byRequest(requestId);
    if (!slot) return past && { success: false, reason: "NO_LONGER_VALID", ended: past.how };
    // Written again although nothing changed: a stale instance must find out that it is one before it says "granted".
    this.#slots.touch(slot);
    return grantOf(slot.lease, now);
  }

  /** Whether the request of this id had a lease that ended, or was cancelled. */
  hasEnded(requestId: string): boolean {
    return this.#past.byRequest(requestId) !== undefined;
  }

  /** The number that a forced release of this id took before: such a lease begins and ends with the same request. */
  forcedBefore(requestId: string): number | undefined {
    const past = this.#past.byRequest(requestId);
    return past?.releaseId === requestId ? past.lease : undefined;
  }

  /** Writes down the end of a lease that is not live, once, and says how it ended. */
  confirmEnd(lease: number): LeaseEndedReply {
    const past = this.#past.byLease(lease);
    // Its holder learns that it is dead, so it is written dead: no clock may bring it back after a restart.
    this.#slots.mark(past);
    const ended = past?.how ?? (lease < this.#highest ? "superseded" : undefined);
    return { success: false, reason: "NO_LONGER_VALID", ...(ended && { ended }) };
  }

  /** When a lease was last live or in the way; undefined if nothing is stored. */
  lastUse(): number | undefined {
    return this.#slots.lastUse();
  }

  /** Forgets what storage forgets; the highest number and the recent requests stay as long as this instance does. */
  forget(): void {
    this.#slots.clear();
    this.live.clear();
  }

  /** The rows to write, each once. */
  takeWrites(): Slot[] {
    return this.#slots.takeDirty();
  }

  #load(slot: Slot, now: number): void {
    const { lease } = slot;
    this.#highest = Math.max(this.#highest, lease.lease);
    for (const past of slot.past.toReversed()) this.#past.add(past, now);
    // A lease ends at most its ttl from now: the clock may have stepped back while nobody looked. Written down, or each
    // restart would lengthen it again.
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

  /** Only damaged rows can contradict each other: the newest lease is right, and whatever can't stand beside it is dead. */
  #endConflicting(now: number): void {
    const live = [...this.live];
    const newest = live.at(-1);
    for (const slot of live.slice(0, -1))
      if (slot.lease.exclusive || newest?.lease.exclusive) this.#bury(slot, "superseded", now);
  }

  #begin(spec: LeaseSpec, now: number): Slot {
    const number = nextLeaseNumber(this.#highest, now);
    invariant(number > this.#highest && Number.isSafeInteger(number), "A lease number does not grow.");
    this.#highest = number;
    const slot = this.#slots.place(leaseOf(number, spec, now));
    invariant(!this.live.lingers(slot), "The row of a lease whose lock-delay has not ended is used for another lease.");
    for (const past of slot.past.slice(0, 1)) supersede(past);
    this.live.add(slot);
    this.live.occupancy.check(slot.lease);
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
    invariant(!slot.end, "A lease that has ended is live.");
    this.#slots.touch(slot);
    if (!this.#renewals.has(slot.lease, requestId)) {
      this.#renewals.add(slot.lease, requestId);
      const isSeen = Object.entries(change).some(([name, value]) => slot.lease[name as keyof Lease] !== value);
      this.live.change(slot, { ...change, renewalId: requestId });
      if (isSeen) this.#events.add({ what });
    }
    return grantOf(slot.lease, now);
  }

  /** Refuses a caller only for a live lease: a lease that has ended belongs to no name. */
  #refusal(lease: number, caller: Caller | undefined): RefusalReply | undefined {
    const slot = this.live.byLease(lease);
    return slot && refusalTo(caller, slot.lease);
  }

  #end(slot: Slot, how: LeaseEnd, now: number, releaseId?: string): void {
    this.#events.add(eventOf(slot.lease, how, Math.min(slot.lease.deadline, now)));
    this.#bury(slot, how, now, releaseId);
    invariant(this.live.byLease(slot.lease.lease) !== slot, "A lease that has ended is live.");
  }

  /** Ends a lease without an event: what is loaded did not happen now. */
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

  /** A lease that expired is in the way until its lock-delay is over; any other is not. */
  #settle(slot: Slot, now: number): void {
    if (inTheWayUntil(slot) > now) this.live.linger(slot);
    else this.#slots.free(slot);
  }

  #endDelay(slot: Slot): void {
    this.#slots.free(slot);
    this.#events.add({ what: "delayEnded" });
  }
}

function eventOf({ lease, owner }: Lease, what: TimelineEntry["what"], at: number): TimelineEntry {
  return { at, lease, ...(owner !== undefined && { owner }), what };
}

/** An expired lease whose row another lease takes is no longer merely late. */
function supersede(past: PastRequest): void {
  if (past.how === "expired") past.how = "superseded";
}
