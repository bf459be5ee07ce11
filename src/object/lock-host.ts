import { type Caller, refusalTo } from "../core/caller.ts";
import type { Effects } from "../core/effects.ts";
import type { Slot } from "../core/leases/slots.ts";
import { LIMITS } from "../core/limits.ts";
import { LockState } from "../core/lock-state.ts";
import type {
  AcquireReply,
  Decision,
  FollowReply,
  GrantReply,
  JobResult,
  LockStatus,
  RecordedDecision,
  RefusalReply,
  ReleaseReply,
} from "../core/replies.ts";
import type { LockRequest } from "../core/request.ts";
import { infoOf } from "../core/results/job-record.ts";
import { SteadyClock } from "../core/steady-clock.ts";
import { type Instance, CleanUp } from "./clean-up.ts";
import type { ExitWatchReply } from "./handles/exit-watch.ts";
import { type LeaseCondition, ExitWatches } from "./handles/exit-watches.ts";
import { Handout } from "./handout.ts";
import { ParkedCalls } from "./parked-calls.ts";
import { LeaseStorage } from "./storage/lease-storage.ts";
import type { ObjectStorage } from "./storage/object-storage.ts";
import { ResultStorage } from "./storage/result-storage.ts";
import { Timeline } from "./timeline.ts";
import { WakeTimer } from "./wake-timer.ts";
import { Watchers } from "./watchers.ts";

/**
 * The reply to a request for the lock, and the function that removes the request from the queue if its caller goes
 * away.
 */
interface Requested {
  reply: AcquireReply | Promise<AcquireReply>;
  leave: () => void;
}

/** Runs the state machine of one lock on its storage, clock, timer and parked calls. */
export class LockHost {
  readonly #clock = new SteadyClock();
  readonly #leases: LeaseStorage;
  readonly #results: ResultStorage;
  readonly #handout: Handout;
  readonly #parking = new ParkedCalls<AcquireReply>({ success: false, reason: "BORROWED" });
  readonly #watchers = new Watchers();
  readonly #timeline = new Timeline();
  readonly #exitWatches = new ExitWatches({
    run: (transition) => this.run(transition),
    ask: (question) => this.ask(question),
    until: (condition) => this.#until(condition),
    expire: (lease) => this.#expire(lease),
  });
  readonly #timer = new WakeTimer(() => this.run((state, now) => state.wake(now)));
  readonly #state: LockState;
  readonly #cleanUp: CleanUp;

  constructor(storage: ObjectStorage, instance: Instance) {
    this.#leases = new LeaseStorage(storage);
    this.#results = new ResultStorage(storage.values);
    this.#handout = new Handout(this.#results);
    const result = this.#leases.exists ? this.#results.load() : undefined;
    this.#state = new LockState(this.#leases.load(), this.#now(), result);
    this.#cleanUp = new CleanUp(storage, instance, {
      name: "lock",
      isIdle: (at) => this.#isIdle(at),
      tidy: (at) => (this.run((state) => state.wake(at)), this.#state.record.kept(at)?.keptUntil),
      forget: () => this.#state.forget(),
    });
    if (this.#leases.exists) this.#cleanUp.findAlarm();
  }

  /** Runs one transition and its effects in one turn, so that every reply matches what is written. */
  run<T>(transition: (state: LockState, now: number) => T): T {
    const now = this.#now();
    // A failed transition leaves the state in memory half changed, so none of its effects may be carried out.
    const [result, effects] = this.#cleanUp.orAbort(
      () => [transition(this.#state, now), this.#state.takeEffects()] as const,
      "A state transition of the lock failed.",
    );
    this.#carryOut(effects, now);
    return result;
  }

  /** Reads the state without changing it. */
  ask<T>(question: (state: LockState, now: number) => T): T {
    return question(this.#state, this.#now());
  }

  /** Grants, refuses or parks a request. */
  request(request: LockRequest): Requested {
    const { wait, requestId, longPoll = LIMITS.longPoll } = request;
    const until = wait > longPoll ? this.#now() + longPoll : Number.POSITIVE_INFINITY;
    const answered = (reply: Decision) => this.#answered(reply, until);
    if (wait === 0) return answered(this.run((state, now) => state.acquire(request, now)));
    if (this.#parking.isFull(requestId)) return answered({ success: false, reason: "QUEUE_FULL" });
    const reply = this.run((state, now) => state.enqueue(request, now));
    if (reply) return answered(reply);
    const parked = this.#parking.park(requestId, until);
    const leave = () => {
      if (this.#parking.leave(parked)) this.run((state, now) => state.drop(requestId, now));
    };
    return { reply: parked.reply, leave };
  }

  /** Ends a lease, and stores the result of its job if there is one: both happen, or neither. */
  release(lease: number, requestId: string, result: JobResult | undefined, caller?: Caller): ReleaseReply {
    return this.run((state, now) => {
      const refusal = result && this.#keep(lease, result, now, caller);
      return refusal ?? state.release(lease, requestId, now, caller);
    });
  }

  /** Sets up an exit watch, which ends a live lease when the execution context of its holder ends. */
  watchExit(lease: number): ExitWatchReply | RefusalReply {
    return this.#exitWatches.add(lease);
  }

  /** The status, once the newest live lease is not `known`, or `wait` has passed. */
  async watch(known: number, wait: number, newest = false): Promise<LockStatus | RefusalReply> {
    if (this.#watchers.size >= LIMITS.maxWaiters) return { success: false, reason: "QUEUE_FULL" };
    const hasChanged = { key: `newest ${known}`, isTrue: (now: number) => this.#state.newest(now) !== known };
    const seen = this.#watchers.watch(hasChanged, this.#now() + Math.min(wait, LIMITS.longPoll));
    this.run((state, now) => state.wake(now));
    await seen;
    return this.ask((state, now) => (newest ? state.newestStatus(now) : state.status(now)));
  }

  /** The status and the latest events, once the revision is not `known`, or `wait` has passed. */
  async follow(known: string | undefined, wait: number): Promise<FollowReply | RefusalReply> {
    if (this.#watchers.size >= LIMITS.maxWaiters) return { success: false, reason: "QUEUE_FULL" };
    // Before recording is extended: events since an earlier call are recorded only if that call was recent.
    this.run((state, now) => state.wake(now));
    this.#timeline.follow(this.#now());
    const hasChanged = { key: `revision ${known}`, isTrue: () => this.#timeline.revision !== known };
    const seen = this.#watchers.watch(hasChanged, this.#now() + Math.min(wait, LIMITS.longPoll));
    this.run((state, now) => state.wake(now));
    await seen;
    const { revision, entries: timeline } = this.#timeline;
    return this.ask((state, now) => ({ revision, status: state.status(now), now, timeline }));
  }

  /** Wipes the lock if it was unused for a day; otherwise sets the alarm again, at least a day ahead. */
  cleanUp(): Promise<void> {
    return this.#cleanUp.run(this.#now());
  }

  /** Carries out the effects in the turn of the transition, so that every reply matches what is written. */
  #carryOut({ writes, deletesResult, answers, events }: Effects, now: number): void {
    if (deletesResult) this.#deleteResult();
    if (writes.length > 0) this.#write(writes, now);
    this.#timeline.record(events, now);
    this.#watchers.check(now, events);
    for (const { requestId, reply } of answers)
      if (isRecorded(reply)) for (const call of this.#parking.take(requestId)) this.#handout.add(call);
      else this.#parking.answer(requestId, this.#complete(reply));
    this.#handout.give(now);
    this.#timer.set(this.#nextWake(now), now);
  }

  #isIdle(now: number): boolean {
    if (this.#state.waiting > 0 || this.#state.record.kept(now)) return false;
    const lastUse = this.#state.lastUse() ?? Number.NEGATIVE_INFINITY;
    return now - lastUse >= LIMITS.idle;
  }

  /**
   * Stores a result in the turn of the release that contains it; undefined if the release may continue.
   *
   * This can't be an effect of the release, because it happens before the release is decided: only storage can say
   * whether it accepts the value. If storage refuses the value, the lease must stay unchanged.
   */
  #keep(lease: number, { value, failed, retain }: JobResult, now: number, caller?: Caller): RefusalReply | undefined {
    // Fenced: only a live lease may store a result. If the lease has ended, `release` finds out whether this is a
    // repeated release.
    const live = this.#state.find(lease, now);
    if (!live) return undefined;
    const refusal = refusalTo(caller, live);
    if (refusal) return refusal;
    const info = infoOf(live, { failed, retain }, now);
    const reason = this.#cleanUp.orAbort(() => this.#results.write(info, value));
    if (reason) return { success: false, reason };
    this.#handout.forget();
    this.#state.keepResult(info, now);
    return undefined;
  }

  /** Ends a lease whose holder has died, as if the lease had run out. */
  #expire(lease: number): void {
    this.run((state, now) => state.expire(lease, now));
  }

  /** Waits until a condition holds on a lease; it is checked after each of the lease's events. */
  async #until({ isTrue, ...rest }: LeaseCondition): Promise<void> {
    const seen = this.#watchers.watch({ ...rest, isTrue: (now) => isTrue(this.#state, now) });
    this.run((state, now) => state.wake(now));
    await seen;
  }

  #nextWake(now: number): number | undefined {
    const next = this.#state.nextWake(now, this.#watchers.size > 0) ?? Number.POSITIVE_INFINITY;
    const due = Math.min(next, this.#watchers.nextDue(), this.#handout.nextDue());
    return due === Number.POSITIVE_INFINITY ? undefined : due;
  }

  #deleteResult(): void {
    this.#cleanUp.orAbort(() => this.#results.delete());
    this.#handout.forget();
  }

  /** Answers a call that is not parked. The state knows only that there is a result; the value itself is in storage. */
  #answered(reply: Decision, until: number): Requested {
    if (!isRecorded(reply)) return { reply: this.#complete(reply), leave: () => {} };
    const { promise, resolve } = Promise.withResolvers<AcquireReply>();
    const leave = this.#handout.add({ answer: resolve, until });
    this.run(() => {});
    return { reply: promise, leave };
  }

  /** Adds the current holders to a refusal. */
  #complete(reply: GrantReply | RefusalReply): AcquireReply {
    if (reply.success || reply.reason !== "BORROWED") return reply;
    const most = reply.waiting === undefined ? LIMITS.maxHoldersNamed : LIMITS.maxHoldersNamedInLine;
    return { ...reply, ...this.#state.oldestHolders(most) };
  }

  #write(writes: Slot[], now: number): void {
    this.#cleanUp.write(() => this.#leases.write(writes), now);
  }

  #now(): number {
    return this.#clock.read(Date.now());
  }
}

function isRecorded(reply: Decision): reply is RecordedDecision {
  return !reply.success && reply.reason === "RECORDED";
}
