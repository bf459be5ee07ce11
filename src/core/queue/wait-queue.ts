import type { EventLog } from "../events.ts";
import type { LeaseSpec } from "../leases/lease.ts";
import { LIMITS } from "../limits.ts";
import type { LimitReachedReply } from "../replies.ts";
import { RequestsById } from "../requests-by-id.ts";
import { Shares } from "../shares.ts";
import { Departed } from "./departed.ts";
import { Reassembly } from "./reassembly.ts";

/** A caller that waits for the lock, identified by its request id. */
export interface Waiter extends LeaseSpec {
  /** When it began to wait, by the object's clock. */
  arrivedAt: number;
  /** When its current call arrived. The `validFor` of a lease granted to it is counted from here. */
  calledAt: number;
  /** True while its call is parked; false after its long poll has ended, until it polls again. */
  parked: boolean;
  /** If parked: when its call must be answered. Otherwise: when it loses its queue entry. */
  until: number;
  /** Whether its wait ends at `until`. */
  final: boolean;
}

/** The waiters, in the order of their arrival; nothing overtakes the head. */
export class WaitQueue {
  readonly #waiters: Waiter[] = [];
  readonly #byRequest = new RequestsById<Waiter>();
  readonly #shares = new Shares();
  readonly #departed = new Departed();
  /** How the queue rebuilds after a restart. */
  readonly reassembly: Reassembly;
  readonly #events: EventLog;
  #lastIndex = 0;

  constructor(startedAt: number, events: EventLog) {
    this.#events = events;
    this.reassembly = new Reassembly(startedAt);
  }

  get size(): number {
    return this.#waiters.length;
  }

  get head(): Waiter | undefined {
    return this.#waiters[0];
  }

  get(requestId: string): Waiter | undefined {
    return this.#byRequest.get(requestId);
  }

  /** The request ids of all waiters whose callers gave the same id as this request, under any token name or none. */
  ofEveryName(requestId: string): string[] {
    return this.#byRequest.ofEveryName(requestId);
  }

  /**
   * A waiter's position, 1 for the head.
   *
   * The search starts where the last one ended. When thousands of long polls end together, this is called for each
   * waiter in order, so each search is short.
   */
  placeOf(waiter: Waiter): number {
    const index = this.#waiters.indexOf(waiter, this.#lastIndex);
    this.#lastIndex = index < 0 ? this.#waiters.indexOf(waiter) : index;
    return this.#lastIndex + 1;
  }

  /** The refusal if this request can't be queued; undefined if it can. */
  refusal(requestId: string): LimitReachedReply | undefined {
    const refusal = { success: false, reason: "QUEUE_FULL" } as const;
    if (this.#shares.of(requestId) >= LIMITS.maxWaitersPerToken) return { ...refusal, share: true };
    return this.size >= LIMITS.maxWaiters ? refusal : undefined;
  }

  /** Queues a waiter behind all that began to wait before it or at the same time. */
  add(waiter: Waiter): void {
    let index = this.#waiters.length;
    while (index > 0 && (this.#waiters[index - 1] as Waiter).arrivedAt > waiter.arrivedAt) index -= 1;
    this.#waiters.splice(index, 0, waiter);
    this.#byRequest.add(waiter.requestId, waiter);
    this.#shares.change(waiter.requestId, 1);
    this.#events.add({ what: "queued" });
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
    this.#shares.change(waiter.requestId, -1);
    this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
    this.#events.add({ what: "dequeued" });
  }

  /** The waiters whose `until` has been reached. */
  due(now: number): Waiter[] {
    return this.#waiters.filter((waiter) => waiter.until <= now);
  }

  nextDue(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const waiter of this.#waiters) next = Math.min(next, waiter.until);
    return next;
  }

  [Symbol.iterator](): Iterator<Waiter> {
    return this.#waiters[Symbol.iterator]();
  }
}
