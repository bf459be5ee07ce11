import type { Caller } from "./caller.ts";
import { Decisions } from "./decisions.ts";
import { grantOf, LeaseBook } from "./leases/lease-book.ts";
import type { Claim, Lease } from "./leases/lease.ts";
import type { Slot } from "./leases/slots.ts";
import { LIMITS } from "./limits.ts";
import { type Waiter, WaitQueue } from "./queue/wait-queue.ts";
import type { AcquireReply, GrantReply, LockStatus, RefusalReply, ReleaseReply } from "./replies.ts";
import type { LockRequest } from "./request.ts";
import { type ResultInfo, JobRecord } from "./results/job-record.ts";
import { newestOf, newestStatusOf, oldestOf, statusOf } from "./status.ts";
import { toCancel } from "./to-cancel.ts";

/** What a transition asks of its host: write the slots, then answer the parked calls. */
export interface Effects {
  writes: Slot[];
  answers: { requestId: string; reply: AcquireReply }[];
}

/**
 * The state machine of one lock: the only place that decides who gets it.
 *
 * Pure: `now` and ids are arguments, and effects are taken with `takeEffects` after each call. One admission rule
 * serves mutex, readers, writers and semaphores: grant when nothing live conflicts and nobody waits ahead.
 */
export class LockState {
  /** The result of the job that runs once under this lock. */
  readonly record: JobRecord;
  readonly #leases: LeaseBook;
  readonly #queue: WaitQueue;
  readonly #decisions: Decisions;
  #answers: Effects["answers"] = [];

  constructor(stored: Iterable<Slot>, now: number, result?: ResultInfo) {
    this.#queue = new WaitQueue(now);
    this.#leases = new LeaseBook(stored, now);
    this.record = new JobRecord(result, now);
    this.#decisions = new Decisions(this.#leases, this.#queue, this.record);
  }

  /** How many wait. */
  get waiting(): number {
    return this.#queue.size;
  }

  /** How many have come to the queue and left it so far: their number alone hides one who takes another's place. */
  get queueChanges(): number {
    return this.#queue.changes;
  }

  /** Takes the lock now or not at all. */
  acquire(request: LockRequest, now: number): AcquireReply {
    this.#advance(now);
    const known = this.#decisions.of(request, now);
    if (known) return known;
    if (request.steal) return this.#steal(request, now);
    const ahead = this.#queue.head !== undefined && this.#queue.head.requestId !== request.requestId;
    const isHeldUp = ahead || this.#queue.reassembly.isOpen(now);
    if (isHeldUp || !this.#leases.live.admits(request)) return this.#refusal(request, now);
    return this.#grantTo(request, now, now);
  }

  /** Takes the lock now, or queues for it: undefined means parked, and the answer comes as an effect. */
  enqueue(request: LockRequest, now: number): AcquireReply | undefined {
    this.#advance(now);
    const known = this.#decisions.of(request, now);
    if (known) return known;
    if (request.steal) return this.#steal(request, now);
    const { wait, requestId, longPoll = LIMITS.slice } = request;
    const waiter = this.#queue.get(requestId);
    const full = waiter ? undefined : (this.#queue.refusal(requestId) ?? this.#leases.live.full(request));
    if (full) return full;
    const call = {
      calledAt: now,
      parked: true,
      until: now + Math.min(wait, longPoll),
      final: wait <= longPoll,
    };
    // Asking again keeps the place: `waited` orders the queue only for those whom this instance doesn't know.
    if (waiter) Object.assign(waiter, call);
    else this.#queue.add({ ...request, arrivedAt: this.#queue.arrivalOf(request, now), ...call });
    this.#grantInOrder(now);
    return this.#takeAnswer(requestId);
  }

  /** Lengthens (or shortens) a live lease; never revives one that ended. */
  renew(lease: number, ttl: number, requestId: string, now: number, caller?: Caller): AcquireReply {
    this.#advance(now);
    return this.#leases.renew(lease, ttl, requestId, now, caller);
  }

  /** Changes what a live lease takes with no gap in between, if the other leases leave room for it. */
  convert(lease: number, claim: Claim, requestId: string, now: number, caller?: Caller): AcquireReply {
    this.#advance(now);
    const reply = this.#leases.convert(lease, claim, requestId, now, caller) ?? this.#refusal(claim, now);
    this.#grantInOrder(now);
    return reply;
  }

  /** Ends a live lease and hands the lock on. */
  release(lease: number, requestId: string, now: number, caller?: Caller): ReleaseReply {
    this.#advance(now);
    const reply = this.#leases.release(lease, requestId, now, caller);
    this.#grantInOrder(now);
    return reply;
  }

  /** What is known of the result of a live lease's job, if it is kept from now on. */
  resultOf(lease: number, { retain, failed }: Pick<ResultInfo, "retain" | "failed">, now: number): ResultInfo {
    const fingerprint = this.#leases.live.byLease(lease)?.lease.once ?? "";
    return { lease, fingerprint, retain, failed, keptUntil: now + retain };
  }

  /** Takes note of a result that was stored: whoever waits to run the same job needs no lease any more. */
  keepResult(result: ResultInfo, now: number): void {
    this.record.keep(result);
    this.#answerDecided(now);
  }

  /** Ends the lease of a holder that is gone, as if it had run out. */
  expire(lease: number, now: number): void {
    this.#leases.expire(lease, now);
    this.#advance(now);
  }

  /** Ends all leases; the number it answers is above theirs and below all that come. */
  forceRelease(requestId: string, now: number): number {
    this.#advance(now);
    const repeated = this.#leases.forcedBefore(requestId);
    if (repeated !== undefined) return repeated;
    this.#leases.supersedeAll(now);
    // A lease that ends at once: its row keeps the number, so that it can't be given out again after a restart.
    const request = { requestId, owner: undefined, ttl: 1, lockDelay: 0, once: undefined };
    const { lease } = this.#leases.grant({ ...request, exclusive: true, permits: 1, capacity: 1 }, now);
    this.#leases.release(lease, requestId, now);
    this.#grantInOrder(now);
    return lease;
  }

  /** Asks every holder to release. */
  requestRelease(requestId: string, now: number): void {
    this.#advance(now);
    this.#leases.requestRelease(requestId, now);
  }

  /** Takes a request back: out of the queue, or, if it was granted meanwhile, released at once. */
  cancel(requestId: string, now: number, caller?: Caller): RefusalReply | undefined {
    this.#advance(now);
    const ids = toCancel(requestId, caller, this.#leases, this.#queue);
    if (!Array.isArray(ids)) return ids;
    for (const id of ids) {
      const waiter = this.#queue.get(id);
      this.#leases.cancel(id, now);
      if (waiter) this.#dequeue(waiter, { success: false, reason: "NO_LONGER_VALID", ended: "released" });
    }
    this.#grantInOrder(now);
    return undefined;
  }

  /** Forgets a waiter whose caller is gone; unlike a cancelled one it may come back. */
  drop(requestId: string, now: number): void {
    this.#advance(now);
    const waiter = this.#queue.get(requestId);
    if (waiter?.parked) this.#queue.leave(waiter, now);
    this.#grantInOrder(now);
  }

  /** Lets time pass: leases expire, waits end, the lock is handed on. */
  wake(now: number): void {
    this.#advance(now);
  }

  /** When `wake` has something to do; only while somebody waits or watches does anybody need to know in time. */
  nextWake(now: number, watched = false): number | undefined {
    if (this.#queue.size === 0 && !watched) return undefined;
    const next = Math.min(this.#queue.nextDue(), this.#leases.live.firstDeadline());
    if (next === Number.POSITIVE_INFINITY) return undefined;
    return this.#queue.reassembly.isOpen(now) ? Math.min(next, this.#queue.reassembly.until) : next;
  }

  isLocked(now: number): boolean {
    return this.newest(now) > 0;
  }

  status(now: number): LockStatus {
    return statusOf(this.#leases.live, this.#queue, now);
  }

  newestStatus(now: number): LockStatus {
    return newestStatusOf(this.#leases.live, now);
  }

  /** Who has held the lock for longest, `most` at most. */
  oldestHolders(most: number): Pick<RefusalReply, "holders" | "moreHolders"> {
    return oldestOf(this.#leases.live, most);
  }

  /** The live lease of the given number. */
  find(lease: number, now: number): Lease | undefined {
    const slot = this.#leases.live.byLease(lease);
    return slot && slot.lease.deadline > now ? slot.lease : undefined;
  }

  /** How a lease that is not live came to its end. */
  gone(lease: number): RefusalReply {
    return this.#leases.gone(lease);
  }

  /** The newest live lease, 0 if there is none. */
  newest(now: number): number {
    return newestOf(this.#leases.live, now)?.lease ?? 0;
  }

  /** When the lock was last in use; undefined if nothing of it is stored. */
  lastUse(): number | undefined {
    return this.#leases.lastUse();
  }

  /** Forgets what storage forgets; the highest number stays as long as this instance does. */
  forget(): void {
    this.#leases.forget();
    this.record.forget();
  }

  takeEffects(): Effects {
    const effects = { writes: this.#leases.takeWrites(), answers: this.#answers };
    this.#answers = [];
    return effects;
  }

  #advance(now: number): void {
    this.#leases.advance(now);
    this.#grantInOrder(now);
    for (const waiter of this.#queue.due(now)) this.#endSlice(waiter, now);
    this.#grantInOrder(now);
  }

  /** First come, first served: whoever is at the head is waited for, even one who was answered and isn't back yet. */
  #grantInOrder(now: number): void {
    // After a restart the queue reassembles from those who come back: until then nobody knows who is at its head.
    if (this.#queue.reassembly.isOpen(now)) return;
    for (let head = this.#queue.head; head?.parked; head = this.#queue.head) {
      // The head's token name has used up its share: waiters of other names behind it must not wait until it has less.
      const full = this.#leases.live.full(head);
      if (full?.share) this.#dequeue(head, full);
      else if (this.#leases.live.admits(head)) this.#grantTo(head, head.calledAt, now);
      else return;
    }
  }

  #grantTo(request: LockRequest | Waiter, calledAt: number, now: number): GrantReply {
    const reply = grantOf(this.#leases.grant(request, now), calledAt);
    const waiter = this.#queue.get(request.requestId);
    if (waiter) this.#dequeue(waiter, reply);
    // Those who wait to run the same job for another payload need not wait for its end to be told.
    if (request.once) this.#answerDecided(now);
    return reply;
  }

  /** Takes the lock from whoever holds it, past whoever waits. */
  #steal(request: LockRequest, now: number): GrantReply {
    this.#leases.supersedeAll(now);
    return this.#grantTo(request, now, now);
  }

  #endSlice(waiter: Waiter, now: number): void {
    if (!waiter.parked) return this.#queue.leave(waiter, now);
    const reply = this.#refusal(waiter, now);
    if (waiter.final) return this.#dequeue(waiter, reply);
    const line = { waiting: this.#queue.size, place: this.#queue.placeOf(waiter) };
    this.#answers.push({ requestId: waiter.requestId, reply: { ...reply, ...line } });
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

  /** Answers those in the queue who need no lease any more. */
  #answerDecided(now: number): void {
    for (const waiter of Array.from(this.#queue)) {
      const known = this.#decisions.byRecord(waiter, now);
      if (known) this.#dequeue(waiter, known);
    }
  }

  #refusal(request: Claim & { requestId?: string }, now: number): RefusalReply {
    const { live } = this.#leases;
    const first = live.firstDeadline();
    const retryAfter = first < Infinity ? { retryAfter: Math.max(1, first - now) } : {};
    return live.full(request) ?? { success: false, reason: "BORROWED", ...retryAfter };
  }
}
