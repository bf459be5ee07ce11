import { type Claim, type Lease, nextLeaseNumber } from "./lease.ts";
import { LIMITS } from "./limits.ts";
import { LiveLeases } from "./live-leases.ts";
import { type PastLease, PastLeases } from "./past-leases.ts";
import { type Waiter, WaitQueue } from "./queue.ts";
import type { AcquireReply, GrantReply, LeaseEnd, LockStatus, RefusalReply, ReleaseReply } from "./replies.ts";
import type { LockRequest } from "./request.ts";
import { type Slot, Slots } from "./slots.ts";
import { statusOf } from "./status.ts";

/** What a transition asks of its host: write the slots, then answer the parked calls. */
export interface Effects {
  writes: Slot[];
  answers: { requestId: string; reply: AcquireReply }[];
}

/** The renewals of one lease that are recognised when repeated. */
const RENEWALS_REMEMBERED = 8;

/**
 * The state machine of one lock: the only place that decides who gets it.
 *
 * Pure: `now` and ids are arguments, and effects are taken with `takeEffects` after each call. One admission rule
 * serves mutex, readers, writers and semaphores: grant when nothing live conflicts and nobody waits ahead.
 */
export class LockState {
  readonly #slots = new Slots();
  readonly #live = new LiveLeases();
  readonly #renewals = new WeakMap<Lease, string[]>();
  readonly #past = new PastLeases();
  readonly #queue = new WaitQueue();
  readonly #startedAt: number;
  #highest = 0;
  #reassemblesUntil = 0;
  #answers: Effects["answers"] = [];

  constructor(stored: Iterable<Slot>, now: number) {
    this.#startedAt = now;
    for (const slot of stored) this.#load(slot, now);
  }

  /** How many wait. */
  get waiting(): number {
    return this.#queue.size;
  }

  /** Takes the lock now or not at all. */
  acquire(request: LockRequest, now: number): AcquireReply {
    this.#advance(now);
    const known = this.#replay(request.requestId, now);
    if (known) return known;
    const ahead = this.#queue.head !== undefined && this.#queue.head.requestId !== request.requestId;
    if (ahead || !this.#live.admits(request)) return this.#refusal(request, now);
    return this.#grantTo(request, now, now);
  }

  /** Takes the lock now, or queues for it: undefined means parked, and the answer comes as an effect. */
  enqueue(request: LockRequest, now: number): AcquireReply | undefined {
    this.#advance(now);
    const known = this.#replay(request.requestId, now);
    if (known) return known;
    const { wait, waited, requestId } = request;
    const waiter = this.#queue.get(requestId);
    if (!waiter && this.#queue.size >= LIMITS.maxWaiters) return { success: false, reason: "QUEUE_FULL" };
    if (!waiter && !request.exclusive && this.#live.isFull) return { success: false, reason: "TOO_MANY_LEASES" };
    if (waited > now - this.#startedAt) this.#reassemblesUntil = this.#startedAt + LIMITS.returnWithin;

    const call = {
      calledAt: now,
      parked: true,
      until: now + Math.min(wait, LIMITS.slice),
      final: wait <= LIMITS.slice,
    };
    // Asking again keeps the place: `waited` orders the queue only for those whom this instance doesn't know.
    if (waiter) Object.assign(waiter, call);
    else this.#queue.add({ ...request, arrivedAt: now - waited, ...call });
    this.#grantInOrder(now);
    return this.#takeAnswer(requestId);
  }

  /** Lengthens (or shortens) a live lease; never revives one that ended. */
  renew(lease: number, ttl: number, requestId: string, now: number): AcquireReply {
    this.#advance(now);
    const slot = this.#live.byLease(lease);
    if (!slot) return this.#gone(lease);
    this.#slots.touch(slot);
    const renewals = this.#renewalsOf(slot.lease);
    if (!renewals.includes(requestId)) {
      renewals.push(requestId);
      if (renewals.length > RENEWALS_REMEMBERED) renewals.shift();
      Object.assign(slot.lease, { ttl, deadline: now + ttl, renewalId: requestId });
    }
    return granted(slot.lease, now);
  }

  /** Ends a live lease and hands the lock on. */
  release(lease: number, requestId: string, now: number): ReleaseReply {
    this.#advance(now);
    const slot = this.#live.byLease(lease);
    if (!slot) {
      const repeated = this.#past.byLease(lease)?.releaseId === requestId;
      return repeated || this.#gone(lease);
    }
    this.#end(slot, "released", now, requestId);
    this.#grantInOrder(now);
    return true;
  }

  /** Takes a request back: out of the queue, or, if it was granted meanwhile, released at once. */
  cancel(requestId: string, now: number): void {
    this.#advance(now);
    const slot = this.#live.byRequest(requestId);
    const waiter = this.#queue.get(requestId);
    if (slot) this.#end(slot, "released", now);
    else if (waiter) this.#dequeue(waiter, { success: false, reason: "NO_LONGER_VALID", ended: "released" });
    // Remembered even if unknown: the cancellation may have overtaken the request.
    if (!slot && !this.#past.byRequest(requestId)) this.#past.add({ requestId, how: "released" });
    this.#grantInOrder(now);
  }

  /** Forgets a waiter whose caller is gone; unlike a cancelled one it may come back. */
  drop(requestId: string, now: number): void {
    this.#advance(now);
    const waiter = this.#queue.get(requestId);
    if (waiter?.parked) this.#queue.remove(waiter);
    this.#grantInOrder(now);
  }

  /** Lets time pass: leases expire, waits end, the lock is handed on. */
  wake(now: number): void {
    this.#advance(now);
  }

  /** When `wake` has something to do; only while somebody waits does anybody need to know in time. */
  nextWake(now: number): number | undefined {
    if (this.#queue.size === 0) return undefined;
    const next = Math.min(this.#queue.nextDue(), this.#live.firstDeadline());
    return this.#reassemblesUntil > now ? Math.min(next, this.#reassemblesUntil) : next;
  }

  isLocked(now: number): boolean {
    return [...this.#live].some(({ lease }) => lease.deadline > now);
  }

  status(now: number): LockStatus {
    return statusOf(this.#live, this.#queue, now);
  }

  /** When the lock was last in use; undefined if nothing of it is stored. */
  lastUse(): number | undefined {
    return this.#slots.lastUse();
  }

  /** Forgets what storage forgets; the highest number stays as long as this instance does. */
  forget(): void {
    this.#slots.clear();
    this.#live.clear();
    this.#past.clear();
  }

  takeEffects(): Effects {
    const effects = { writes: this.#slots.takeDirty(), answers: this.#answers };
    this.#answers = [];
    return effects;
  }

  #load(slot: Slot, now: number): void {
    const { lease } = slot;
    this.#highest = Math.max(this.#highest, lease.lease);
    for (const past of slot.past.toReversed()) this.#past.add(past);
    // A lease ends at most its ttl from now: the clock may have stepped back while nobody looked.
    lease.deadline = Math.min(lease.deadline, now + lease.ttl);
    this.#slots.load(slot);
    if (slot.end) this.#past.add(slot.end);
    else if (lease.deadline > now) this.#live.add(slot);
    else this.#end(slot, "expired", now);
  }

  #advance(now: number): void {
    for (const slot of this.#live.expired(now)) this.#end(slot, "expired", now);
    this.#grantInOrder(now);
    for (const waiter of this.#queue.due(now)) this.#endSlice(waiter, now);
    this.#grantInOrder(now);
  }

  /** First come, first served: whoever is at the head is waited for, even one who was answered and isn't back yet. */
  #grantInOrder(now: number): void {
    // After a restart the queue reassembles from those who come back: until then nobody knows who is at its head.
    if (now < this.#reassemblesUntil) return;
    for (let head = this.#queue.head; head?.parked && this.#live.admits(head); head = this.#queue.head)
      this.#grantTo(head, head.calledAt, now);
  }

  #grantTo(request: LockRequest | Waiter, calledAt: number, now: number): GrantReply {
    const { requestId, ttl, owner, exclusive, permits, capacity } = request;
    this.#highest = nextLeaseNumber(this.#highest, now);
    const slot = this.#slots.place({
      lease: this.#highest,
      requestId,
      owner,
      exclusive,
      permits,
      capacity,
      since: now,
      ttl,
      deadline: now + ttl,
      renewalId: undefined,
    });
    for (const past of slot.past.slice(0, 1)) this.#supersede(past);
    this.#live.add(slot);
    const reply = granted(slot.lease, calledAt);
    const waiter = this.#queue.get(requestId);
    if (waiter) this.#dequeue(waiter, reply);
    return reply;
  }

  /** An expired lease whose place is given to another is not merely late any more. */
  #supersede(past: PastLease): void {
    if (past.how === "expired") past.how = "superseded";
  }

  #end(slot: Slot, how: LeaseEnd, now: number, releaseId?: string): void {
    const { lease } = slot;
    const end = pastOf(lease, how, releaseId);
    this.#live.delete(slot);
    this.#slots.end(slot, end);
    this.#past.add(end);
    lease.deadline = Math.min(lease.deadline, now);
  }

  #endSlice(waiter: Waiter, now: number): void {
    if (!waiter.parked) return this.#queue.remove(waiter);
    const reply = this.#refusal(waiter, now);
    if (waiter.final) return this.#dequeue(waiter, reply);
    this.#answers.push({ requestId: waiter.requestId, reply });
    waiter.parked = false;
    waiter.until = now + LIMITS.returnWithin;
  }

  #dequeue(waiter: Waiter, reply: AcquireReply): void {
    this.#queue.remove(waiter);
    if (waiter.parked) this.#answers.push({ requestId: waiter.requestId, reply });
  }

  #takeAnswer(requestId: string): AcquireReply | undefined {
    const place = this.#answers.findIndex((answer) => answer.requestId === requestId);
    return place < 0 ? undefined : this.#answers.splice(place, 1)[0]?.reply;
  }

  /** The outcome of a request that was decided before: a reply was lost, or a duplicate arrived late. */
  #replay(requestId: string, now: number): AcquireReply | undefined {
    const slot = this.#live.byRequest(requestId);
    const past = this.#past.byRequest(requestId);
    if (!slot) return past && { success: false, reason: "NO_LONGER_VALID", ended: past.how };
    // Written again although nothing changed: a stale instance must find out that it is one before it says "granted".
    this.#slots.touch(slot);
    return granted(slot.lease, now);
  }

  #gone(lease: number): RefusalReply {
    const past = this.#past.byLease(lease);
    // Its holder is told that it is dead, so it is written dead: no clock may bring it back after a restart.
    this.#slots.mark(past);
    const ended = past?.how ?? (lease < this.#highest ? "superseded" : undefined);
    return { success: false, reason: "NO_LONGER_VALID", ...(ended && { ended }) };
  }

  #refusal(request: Claim, now: number): RefusalReply {
    if (!request.exclusive && this.#live.isFull) return { success: false, reason: "TOO_MANY_LEASES" };
    const first = this.#live.firstDeadline();
    return { success: false, reason: "BORROWED", ...(first < Infinity && { retryAfter: Math.max(1, first - now) }) };
  }

  #renewalsOf(lease: Lease): string[] {
    let renewals = this.#renewals.get(lease);
    if (!renewals) this.#renewals.set(lease, (renewals = lease.renewalId === undefined ? [] : [lease.renewalId]));
    return renewals;
  }
}

function granted({ lease, deadline }: Lease, calledAt: number): GrantReply {
  return { success: true, lease, deadline, validFor: deadline - calledAt };
}

function pastOf({ requestId, lease }: Lease, how: LeaseEnd, releaseId?: string): PastLease {
  return { requestId, lease, how, ...(releaseId !== undefined && { releaseId }) };
}
