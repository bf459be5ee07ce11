import { checkCount, checkOptions, checkText, checkWait, checkWaited } from "../core/checks.ts";
import { LIMITS } from "../core/limits.ts";
import { type ProtocolOption, checkProtocol } from "../core/protocol.ts";
import { type Arrival, BarrierState } from "../core/rendezvous/barrier-state.ts";
import { LatchState } from "../core/rendezvous/latch-state.ts";
import type { ArriveReply, LatchReply } from "../core/rendezvous/rendezvous-replies.ts";
import type { BadArgumentReply } from "../core/replies.ts";
import { SteadyClock } from "../core/steady-clock.ts";
import { answer, refusalOf } from "./bad-argument.ts";
import { CleanUp } from "./clean-up.ts";
import { ContextHandle } from "./handles/context-handle.ts";
import { PendingReply } from "./handles/pending-reply.ts";
import { ParkedCalls } from "./parked-calls.ts";
import { DurableObject } from "./platform.ts";
import { RendezvousStorage } from "./storage/rendezvous-storage.ts";
import { SqliteStorage } from "./storage/sqlite-storage.ts";
import { WakeTimer } from "./wake-timer.ts";
import { Watchers } from "./watchers.ts";

const ARRIVAL = ["parties", "requestId", "wait", "waited", "protocol"] as const satisfies (
  | keyof Arrival
  | keyof ProtocolOption
)[];

/** What a party at a barrier gets: an entry, which ends with the party's context, and the outcome of its generation. */
export interface ArrivalTicket {
  /** The party's entry at the barrier. Dispose of it when the wait ends. */
  entry: ContextHandle;
  /** The outcome to wait for. */
  outcome: PendingReply<ArriveReply>;
}

/**
 * The Durable Object behind latches and barriers: one object for each id.
 *
 * Export it from your Worker's main module, bind it with a SQLite migration, and use it through `useLatch` and
 * `useBarrier`. Its methods return expected outcomes, including bad arguments, as replies; they never throw for them.
 *
 * @example
 * ```ts
 * export { DurableRendezvous } from "durable-locks";
 * ```
 */
export class DurableRendezvous extends DurableObject {
  readonly #clock = new SteadyClock();
  readonly #storage: RendezvousStorage;
  readonly #parking = new ParkedCalls<ArriveReply>({ success: false, reason: "BROKEN", why: "died" });
  readonly #watchers = new Watchers();
  readonly #timer = new WakeTimer(() => this.#run((_now) => {}));
  readonly #barrier: BarrierState;
  #latch: LatchState;
  readonly #cleanUp: CleanUp;
  /** Until when callers that wait for the latch may still be between two long polls. */
  #returnsUntil = 0;

  /** Called by the runtime. */
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    const storage = new SqliteStorage(ctx.storage);
    this.#storage = new RendezvousStorage(storage);
    this.#latch = new LatchState(this.#storage.countDowns());
    this.#barrier = new BarrierState(this.#storage.generations());
    this.#cleanUp = new CleanUp(storage, ctx, {
      name: "rendezvous",
      isIdle: (now) => this.#isIdle(now),
      forget: () => this.#forget(),
    });
    if (this.#storage.exists) this.#cleanUp.findAlarm();
  }

  /** Counts the latch down, once for each request id. */
  async countDown(count: number, by: number, requestId: string): Promise<LatchReply> {
    return answer(() => {
      const most = checkCount(count, "count", LIMITS.maxCount);
      const checked = { count: most, by: checkCount(by, "by", most), requestId: checkText(requestId, "requestId") };
      const mismatch = this.#latch.mismatch(checked.count);
      if (mismatch) return mismatch;
      return this.#run((now) => {
        const counted = this.#latch.countDown(checked);
        if (counted) this.#cleanUp.write(() => this.#storage.writeCountDown(counted, now), now);
        return { success: true, remaining: this.#latch.remaining(checked.count) } as const;
      });
    });
  }

  /** Waits for the latch to open, for `wait` ms and at most 25 s; 0 returns at once. */
  async awaitLatch(count: number, wait: number): Promise<LatchReply> {
    return answer(async () => {
      const checked = checkCount(count, "count", LIMITS.maxCount);
      const longPoll = Math.min(checkWait(wait), LIMITS.longPoll);
      const mismatch = this.#latch.mismatch(checked);
      if (mismatch) return mismatch;
      if (this.#watchers.size >= LIMITS.maxWaiters) return { success: false, reason: "QUEUE_FULL" } as const;
      const isOpen = { key: `latch of ${checked}`, isTrue: () => this.#latch.remaining(checked) === 0 };
      const opened = this.#watchers.watch(isOpen, this.#now() + longPoll);
      this.#run(() => {});
      await opened;
      if (longPoll > 0) this.#returnsUntil = this.#now() + LIMITS.returnWithin;
      return { success: true, remaining: this.#latch.remaining(checked) } as const;
    });
  }

  /** Arrives at the barrier and waits for the others, for at most 25 s per call; see `ArrivalTicket`. */
  arriveAtBarrier(arrival: Arrival & ProtocolOption): ArrivalTicket {
    try {
      // Checked first: an option that is unknown here may belong to a newer protocol.
      checkProtocol(arrival?.protocol);
      const { parties, requestId, wait, waited } = checkOptions(arrival, ARRIVAL, "arrival");
      return this.#attend({
        parties: checkCount(parties, "parties", LIMITS.maxParties),
        requestId: checkText(requestId, "requestId"),
        wait: checkWait(wait),
        waited: checkWaited(waited),
      });
    } catch (error) {
      return answeredTicket(refusalOf(error));
    }
  }

  /** Gives up a wait at the barrier, which breaks the generation for its other parties. */
  async leave(requestId: string): Promise<true | BadArgumentReply> {
    return answer(() => {
      const checked = checkText(requestId, "requestId");
      this.#run((now) => this.#barrier.leave(checked, "aborted", now));
      return true as const;
    });
  }

  /** How many parties are waiting at the barrier. */
  async waiting(): Promise<number> {
    return this.#barrier.waiting;
  }

  /**
   * Called by the runtime.
   *
   * Wipes the object if it was unused for a day; otherwise sets the alarm again, a day ahead.
   */
  override async alarm(): Promise<void> {
    await this.#cleanUp.run(this.#now());
  }

  #isIdle(now: number): boolean {
    const isUsed = this.#barrier.waiting > 0 || this.#watchers.size > 0 || now < this.#returnsUntil;
    return !isUsed && now - this.#storage.lastUse() >= LIMITS.idle;
  }

  #forget(): void {
    this.#storage.forget();
    this.#barrier.forget();
    this.#latch = new LatchState([]);
  }

  #attend(arrival: Arrival): ArrivalTicket {
    const { requestId } = arrival;
    if (this.#parking.isFull(requestId)) return answeredTicket({ success: false, reason: "WAITING" });
    const reply = this.#run((now) => this.#barrier.arrive(arrival, now));
    if (reply) return answeredTicket(reply);
    const parked = this.#parking.park(requestId);
    const leave = () => {
      if (this.#parking.leave(parked)) this.#run((now) => this.#barrier.drop(requestId, now));
    };
    return { entry: new ContextHandle(leave), outcome: new PendingReply<ArriveReply>(parked.reply) };
  }

  /** Runs one transition and its effects in one turn, so that every reply matches what is written. */
  #run<T>(transition: (now: number) => T): T {
    const now = this.#now();
    const result = transition(now);
    this.#barrier.wake(now);
    const { generations: meetings, answers } = this.#barrier.takeEffects();
    for (const ended of meetings) this.#cleanUp.write(() => this.#storage.writeGeneration(ended, now), now);
    for (const { requestId, reply } of answers) this.#parking.answer(requestId, reply);
    this.#watchers.check(now);
    const next = Math.min(this.#barrier.nextWake(), this.#watchers.nextDue());
    this.#timer.set(next === Number.POSITIVE_INFINITY ? undefined : next, now);
    return result;
  }

  #now(): number {
    return this.#clock.read(Date.now());
  }
}

function answeredTicket(reply: ArriveReply): ArrivalTicket {
  return { entry: new ContextHandle(() => {}), outcome: new PendingReply<ArriveReply>(Promise.resolve(reply)) };
}
