import type { EventLog } from "../events.ts";
import { LIMITS } from "../limits.ts";
import type { LimitReachedReply } from "../replies.ts";
import { RequestsById } from "../requests-by-id.ts";
import { Schedule } from "../schedule.ts";
import { Shares } from "../shares.ts";
import { SortedList } from "../sorted-list.ts";
import { Departed } from "./departed.ts";
import { JobWaiters } from "./job-waiters.ts";
import { Reassembly } from "./reassembly.ts";
import type { Waiter } from "./waiter.ts";

/** What a waiter's latest call changes. */
type WaitingCall = Pick<Waiter, "calledAt" | "parked" | "until" | "final">;

/** The waiters, in the order of their arrival; nothing overtakes the head. */
export class WaitQueue {
  readonly #line = new SortedList<Waiter>(byArrival);
  readonly #byRequest = new RequestsById<Waiter>();
  /** When the calls of the waiters must be answered, and when the waiters lose their queue entries. */
  readonly #schedule = new Schedule<Waiter>();
  /** The waiters for once-only jobs. */
  readonly jobs = new JobWaiters();
  readonly #shares = new Shares();
  readonly #departed = new Departed();
  /** How the queue rebuilds after a restart. */
  readonly reassembly: Reassembly;
  readonly #events: EventLog;
  #added = 0;

  constructor(startedAt: number, events: EventLog) {
    this.#events = events;
    this.reassembly = new Reassembly(startedAt);
  }

  get size(): number {
    return this.#line.size;
  }

  get head(): Waiter | undefined {
    return this.#line.first;
  }

  get(requestId: string): Waiter | undefined {
    return this.#byRequest.get(requestId);
  }

  /** The request ids of all waiters whose callers gave the same id as this request, under any token name or none. */
  ofEveryName(requestId: string): string[] {
    return this.#byRequest.ofEveryName(requestId);
  }

  /** A waiter's position, 1 for the head. */
  placeOf(waiter: Waiter): number {
    return 1 + this.#line.countBefore(waiter);
  }

  /** The refusal if this request can't be queued; undefined if it can. */
  refusal(requestId: string): LimitReachedReply | undefined {
    const refusal = { success: false, reason: "QUEUE_FULL" } as const;
    if (this.#shares.of(requestId) >= LIMITS.maxWaitersPerToken) return { ...refusal, share: true };
    return this.size >= LIMITS.maxWaiters ? refusal : undefined;
  }

  /** Queues a waiter behind all that began to wait before it or at the same time. */
  add(arrived: Omit<Waiter, "order">): void {
    const waiter = { ...arrived, order: (this.#added += 1) };
    this.#line.add(waiter);
    this.#byRequest.add(waiter.requestId, waiter);
    this.#schedule.set(waiter, waiter.until);
    this.#shares.change(waiter.requestId, 1);
    this.jobs.add(waiter);
    this.#events.add({ what: "queued" });
  }

  /** Notes that a waiter has called again, or that its long poll has ended. Its position stays. */
  change(waiter: Waiter, call: Partial<WaitingCall>): void {
    Object.assign(waiter, call);
    this.#schedule.set(waiter, waiter.until);
  }

  /** Registers a caller that is not in the queue. Returns when it began to wait. */
  arrive({ requestId, waited }: { requestId: string; waited: number }, now: number): number {
    return this.#departed.take(requestId, now) ?? this.reassembly.arrive(waited, now);
  }

  /** Removes a waiter that may come back. */
  leave(waiter: Waiter, now: number): void {
    this.remove(waiter);
    this.#departed.add(waiter, now);
  }

  remove(waiter: Waiter): void {
    if (!this.#byRequest.delete(waiter.requestId, waiter)) return;
    this.#line.delete(waiter);
    this.#schedule.delete(waiter);
    this.#shares.change(waiter.requestId, -1);
    this.jobs.delete(waiter);
    this.#events.add({ what: "dequeued" });
  }

  /** The waiters whose `until` has been reached, in the order of their arrival. Change or remove each of them. */
  takeDue(now: number): Waiter[] {
    return this.#schedule.takeDue(now).sort(byArrival);
  }

  nextDue(): number {
    return this.#schedule.first();
  }

  [Symbol.iterator](): Iterator<Waiter> {
    return this.#line[Symbol.iterator]();
  }
}

function byArrival(one: Waiter, other: Waiter): number {
  return one.arrivedAt - other.arrivedAt || one.order - other.order;
}
