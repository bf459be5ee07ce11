import type { Caller } from "./caller.ts";
import { Decisions } from "./decisions.ts";
import type { Effects } from "./effects.ts";
import { EventLog } from "./events.ts";
import { grantOf } from "./leases/grant-reply.ts";
import { LeaseBook } from "./leases/lease-book.ts";
import type { Claim, Lease } from "./leases/lease.ts";
import type { Slot } from "./leases/slots.ts";
import { LIMITS } from "./limits.ts";
import { type Waiter, WaitQueue } from "./queue/wait-queue.ts";
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
 * Pure: `now` and ids are arguments, and effects are taken with `takeEffects` after each call. One admission rule
 * serves mutex, readers, writers and semaphores: grant when nothing live conflicts and nobody waits ahead. A call that
 * contradicts the rule throws an `InvariantError`; nothing of it may be carried out.
 */
export class LockState {
  /** The result of the job that runs once under this lock. */
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

  /** How many wait. */
  get waiting(): number {
    return this.#queue.size;
  }

  /** Takes the lock now or not at all. */
  acquire(request: LockRequest, now: number): Decision {
    this.#advance(now);
    const known = this.#decisions.decide(request, now);
    if (known) return known;
    if (request.steal) return this.#steal(request, now);
    const ahead = this.#queue.head !== undefined && this.#queue.head.requestId !== request.requestId;
    const isHeldUp = ahead || this.#queue.reassembly.isOpen(now);
    if (isHeldUp || !this.#leases.live.admits(request)) return this.#refusal(request, now);
    return this.#grantTo(request, now, now);
  }

  /** Takes the lock now, or queues for it: undefined means parked, and the answer comes as an effect. */
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
    // Asking again keeps the place: `waited` orders the queue only for those whom this instance doesn't know.
    if (waiter) Object.assign(waiter, call);
    else this.#queue.add({ ...request, arrivedAt: this.#queue.arrive(request, now), ...call });
    this.#grantInOrder(now);
    return this.#answers.take(requestId);
  }

  /** Lengthens (or shortens) a live lease; never revives one that ended. */
  renew(lease: number, ttl: number, requestId: string, now: number, caller?: Caller): RenewReply {
    this.#advance(now);
    return this.#leases.renew(lease, ttl, requestId, now, caller);
  }

  /** Changes what a live lease takes with no gap in between, if the other leases leave room for it. */
  convert(lease: number, claim: Claim, requestId: string, now: number, caller?: Caller): RenewReply {
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

  /** Takes note of a result that was stored: those that wait to run the same job no longer need a lease. */
  keepResult(result: JobRecordInfo, now: number): void {
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
    const number = this.#leases.takeNumber(requestId, now);
    this.#grantInOrder(now);
    return number;
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
      if (waiter) this.#answers.dismiss(waiter, { success: false, reason: "NO_LONGER_VALID", ended: "released" });
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
  oldestHolders(most: number): ReturnType<typeof oldestOf> {
    return oldestOf(this.#leases.live, most);
  }

  /** The live lease of the given number. */
  find(lease: number, now: number): Lease | undefined {
    const slot = this.#leases.live.byLease(lease);
    return slot && slot.lease.deadline > now ? slot.lease : undefined;
  }

  /** Writes down the end of a lease that is not live, because its holder learns about it, and says how it ended. */
  confirmEnd(lease: number): LeaseEndedReply {
    return this.#leases.confirmEnd(lease);
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

  /** Takes what the host must carry out, once. */
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
    for (const waiter of this.#queue.due(now)) this.#endSlice(waiter, now);
    this.#grantInOrder(now);
  }

  /** First come, first served: the lock waits for the head of the queue, even for one that was answered and isn't back yet. */
  #grantInOrder(now: number): void {
    // After a restart the queue reassembles from those who come back: until then nobody knows who is at its head.
    if (this.#queue.reassembly.isOpen(now)) return;
    for (let head = this.#queue.head; head?.parked; head = this.#queue.head) {
      // The head's token name has used up its share: waiters of other names behind it must not wait until it has less.
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
    // Those who wait to run the same job for another payload need not wait for its end to be told.
    if (request.job?.fingerprint !== undefined) this.#answerDecided(now);
    return reply;
  }

  /** Takes the lock from its holders, past the queue. */
  #steal(request: LockRequest, now: number): GrantReply {
    this.#leases.supersedeAll(now);
    return this.#grantTo(request, now, now);
  }

  #endSlice(waiter: Waiter, now: number): void {
    if (!waiter.parked) return this.#queue.leave(waiter, now);
    if (waiter.final) this.#answers.dismiss(waiter, this.#refusal(waiter, now));
    // It keeps its place, so it hears that the lock is taken, even if too many leases are what keeps it waiting.
    else this.#answers.endPoll(waiter, this.#leases.live.taken(now), now);
  }

  /** Answers those in the queue who no longer need a lease. */
  #answerDecided(now: number): void {
    for (const waiter of Array.from(this.#queue)) {
      const known = this.#decisions.byRecord(waiter, now);
      if (known) this.#answers.dismiss(waiter, known);
    }
  }

  #refusal(request: Claim & { requestId?: string }, now: number): RefusalReply {
    const { live } = this.#leases;
    return live.full(request) ?? live.taken(now);
  }
}
