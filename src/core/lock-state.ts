import type { Caller } from "./caller.ts";
import { Decisions } from "./decisions.ts";
import type { Effects } from "./effects.ts";
import { EventLog } from "./events.ts";
import { grantOf } from "./leases/grant-reply.ts";
import { LeaseBook } from "./leases/lease-book.ts";
import type { Claim, Lease } from "./leases/lease.ts";
import type { Slot } from "./leases/slots.ts";
import { LIMITS } from "./limits.ts";
import { WaitQueue } from "./queue/wait-queue.ts";
import type { Waiter } from "./queue/waiter.ts";
import { WaiterAnswers } from "./queue/waiter-answers.ts";
import type {
  Decision,
  LeaseEndedReply,
  GrantReply,
  LockStatus,
  RefusalReply,
  ReleaseReply,
  RenewReply,
} from "./replies.ts";
import type { LockRequest } from "./request.ts";
import { type JobRecordInfo, JobRecord } from "./results/job-record.ts";
import { newestOf, newestStatusOf, oldestOf, statusOf } from "./status.ts";
import { toCancel } from "./to-cancel.ts";

/**
 * The state machine of one lock: the only place that decides who gets it.
 *
 * It is pure: `now` and ids are arguments, and the host takes the effects with `takeEffects` after each call. One
 * admission rule serves mutex, readers, writers and semaphores: grant when nothing live conflicts and nobody is waiting
 * ahead. A call that breaks the rule throws an `InvariantError`, and the host must carry out none of its effects.
 */
export class LockState {
  /** What is stored about the once-only job that runs under this lock. */
  readonly record: JobRecord;
  readonly #events = new EventLog();
  readonly #leases: LeaseBook;
  readonly #queue: WaitQueue;
  readonly #answers: WaiterAnswers;
  readonly #decisions: Decisions;

  constructor(stored: Iterable<Slot>, now: number, result?: JobRecordInfo) {
    this.#queue = new WaitQueue(now, this.#events);
    this.#answers = new WaiterAnswers(this.#queue);
    this.#leases = new LeaseBook(stored, now, this.#events);
    this.record = new JobRecord(result, now);
    this.#decisions = new Decisions(this.#leases, this.#queue, this.record);
  }

  /** How many waiters are in the queue. */
  get waiting(): number {
    return this.#queue.size;
  }

  /** Takes the lock now, or refuses. */
  acquire(request: LockRequest, now: number): Decision {
    this.#advance(now);
    const known = this.#decisions.decide(request, now);
    if (known) return known;
    if (request.steal) return this.#steal(request, now);
    const isBehind = this.#queue.head !== undefined && this.#queue.head.requestId !== request.requestId;
    const mustWait = isBehind || this.#queue.reassembly.isOpen(now);
    if (mustWait || !this.#leases.live.admits(request)) return this.#refusal(request, now);
    return this.#grantTo(request, now, now);
  }

  /** Takes the lock now, or joins the queue. Undefined means that the call is parked; its answer comes as an effect. */
  enqueue(request: LockRequest, now: number): Decision | undefined {
    this.#advance(now);
    const known = this.#decisions.decide(request, now);
    if (known) return known;
    if (request.steal) return this.#steal(request, now);
    const { wait, requestId, longPoll = LIMITS.longPoll } = request;
    const waiter = this.#queue.get(requestId);
    const full = waiter ? undefined : (this.#queue.refusal(requestId) ?? this.#leases.live.full(request));
    if (full) return full;
    const call = {
      calledAt: now,
      parked: true,
      until: now + Math.min(wait, longPoll),
      final: wait <= longPoll,
    };
    // A waiter that polls again keeps its position. `waited` matters only for waiters that this instance doesn't know.
    if (waiter) this.#queue.change(waiter, call);
    else this.#queue.add({ ...request, arrivedAt: this.#queue.arrive(request, now), ...call });
    this.#grantInOrder(now);
    return this.#answers.take(requestId);
  }

  /** Lengthens (or shortens) a live lease; never revives one that has ended. */
  renew(lease: number, ttl: number, requestId: string, now: number, caller?: Caller): RenewReply {
    this.#advance(now);
    return this.#leases.renew(lease, ttl, requestId, now, caller);
  }

  /** Changes what a live lease takes, without a gap, if the other leases leave room for it. */
  convert(lease: number, claim: Claim, requestId: string, now: number, caller?: Caller): RenewReply {
    this.#advance(now);
    const reply = this.#leases.convert(lease, claim, requestId, now, caller) ?? this.#refusal(claim, now);
    this.#grantInOrder(now);
    return reply;
  }

  /** Ends a live lease and grants the lock to the next waiters. */
  release(lease: number, requestId: string, now: number, caller?: Caller): ReleaseReply {
    this.#advance(now);
    const reply = this.#leases.release(lease, requestId, now, caller);
    this.#grantInOrder(now);
    return reply;
  }

  /** Records that a result was stored, and answers the waiters for the same job: they no longer need a lease. */
  keepResult(result: JobRecordInfo, now: number): void {
    this.record.keep(result);
    this.#answerDecided(this.#queue.jobs.all(), now);
  }

  /** Ends the lease of a holder that has died, as if the lease had run out. */
  expire(lease: number, now: number): void {
    this.#leases.expire(lease, now);
    this.#advance(now);
  }

  /** Ends all leases. Returns a number above all of theirs and below all later ones. */
  forceRelease(requestId: string, now: number): number {
    this.#advance(now);
    const repeated = this.#leases.forcedBefore(requestId);
    if (repeated !== undefined) return repeated;
    this.#leases.supersedeAll(now);
    const number = this.#leases.takeNumber(requestId, now);
    this.#grantInOrder(now);
    return number;
  }

  /** Asks every holder to release. */
  requestRelease(requestId: string, now: number): void {
    this.#advance(now);
    this.#leases.requestRelease(requestId, now);
  }

  /** Cancels a request: removes it from the queue, or releases its lease if it was granted in the meantime. */
  cancel(requestId: string, now: number, caller?: Caller): RefusalReply | undefined {
    this.#advance(now);
    const ids = toCancel(requestId, caller, this.#leases, this.#queue);
    if (!Array.isArray(ids)) return ids;
    for (const id of ids) {
      const waiter = this.#queue.get(id);
      this.#leases.cancel(id, now);
      if (waiter) this.#answers.dismiss(waiter, { success: false, reason: "NO_LONGER_VALID", ended: "released" });
    }
    this.#grantInOrder(now);
    return undefined;
  }

  /** Removes a waiter whose caller has gone. Unlike a cancelled waiter, it may come back. */
  drop(requestId: string, now: number): void {
    this.#advance(now);
    const waiter = this.#queue.get(requestId);
    if (waiter?.parked) this.#queue.leave(waiter, now);
    this.#grantInOrder(now);
  }

  /** Applies the passage of time: leases expire, waits end, and the lock goes to the next waiters. */
  wake(now: number): void {
    this.#advance(now);
  }

  /** When `wake` next has something to do. Undefined if nothing is due, or if no caller waits or watches. */
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

  /** The holders that have held the lock for longest, `most` at most. */
  oldestHolders(most: number): ReturnType<typeof oldestOf> {
    return oldestOf(this.#leases.live, most);
  }

  /** The live lease with the given number; undefined if there is none. */
  find(lease: number, now: number): Lease | undefined {
    const slot = this.#leases.live.byLease(lease);
    return slot && slot.lease.deadline > now ? slot.lease : undefined;
  }

  /**
   * Says how a lease that is not live ended.
   *
   * Also writes its end to storage, because its holder now learns about it.
   */
  confirmEnd(lease: number): LeaseEndedReply {
    return this.#leases.confirmEnd(lease);
  }

  /** The number of the newest live lease, 0 if there is none. */
  newest(now: number): number {
    return newestOf(this.#leases.live, now)?.lease ?? 0;
  }

  /** When the lock was last in use; undefined if nothing is stored. */
  lastUse(): number | undefined {
    return this.#leases.lastUse();
  }

  /** Forgets what was wiped from storage. This instance still remembers the highest lease number. */
  forget(): void {
    this.#leases.forget();
    this.record.forget();
  }

  /** Returns what the host must carry out; each effect is returned once. */
  takeEffects(): Effects {
    return {
      writes: this.#leases.takeWrites(),
      deletesResult: this.record.takeDeletion(),
      answers: this.#answers.takeAll(),
      events: this.#events.take(),
    };
  }

  #advance(now: number): void {
    this.record.advance(now);
    this.#leases.advance(now);
    this.#grantInOrder(now);
    for (const waiter of this.#queue.takeDue(now)) this.#endLongPoll(waiter, now);
    this.#grantInOrder(now);
  }

  /** First come, first served: the lock waits for the head of the queue, even if the head is between two long polls. */
  #grantInOrder(now: number): void {
    // After a restart, returning waiters rebuild the queue. Until it is complete, its head is unknown.
    if (this.#queue.reassembly.isOpen(now)) return;
    for (let head = this.#queue.head; head?.parked; head = this.#queue.head) {
      // The head's token name has used up its share. Refuse the head, so that it does not block waiters of other names.
      const full = this.#leases.live.full(head);
      if (full?.share) this.#answers.dismiss(head, full);
      else if (this.#leases.live.admits(head)) this.#grantTo(head, head.calledAt, now);
      else return;
    }
  }

  #grantTo(request: LockRequest | Waiter, calledAt: number, now: number): GrantReply {
    const reply = grantOf(this.#leases.grant(request, now), calledAt);
    const waiter = this.#queue.get(request.requestId);
    if (waiter) this.#answers.dismiss(waiter, reply);
    // Waiters for the same job with another payload get their refusal now; they need not wait until the job ends.
    const fingerprint = request.job?.fingerprint;
    if (fingerprint !== undefined) this.#answerDecided(this.#queue.jobs.withOtherPayload(fingerprint), now);
    return reply;
  }

  /** Takes the lock from its holders, ahead of the queue. */
  #steal(request: LockRequest, now: number): GrantReply {
    this.#leases.supersedeAll(now);
    return this.#grantTo(request, now, now);
  }

  /** Answers a waiter whose long poll or wait ends now, or drops one that did not poll again in time. */
  #endLongPoll(waiter: Waiter, now: number): void {
    if (!waiter.parked) return this.#queue.leave(waiter, now);
    if (waiter.final) this.#answers.dismiss(waiter, this.#refusal(waiter, now));
    // The waiter keeps its queue entry, so it gets `BORROWED` even if it waits because of too many leases.
    else this.#answers.endPoll(waiter, this.#leases.live.taken(now), now);
  }

  /** Answers those of the waiters that no longer need a lease. */
  #answerDecided(waiters: Waiter[], now: number): void {
    for (const waiter of waiters) {
      const known = this.#decisions.byRecord(waiter, now);
      if (known) this.#answers.dismiss(waiter, known);
    }
  }

  #refusal(request: Claim & { requestId?: string }, now: number): RefusalReply {
    const { live } = this.#leases;
    return live.full(request) ?? live.taken(now);
  }
}
