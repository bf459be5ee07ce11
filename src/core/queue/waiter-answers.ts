import type { Effects } from "../effects.ts";
import { LIMITS } from "../limits.ts";
import type { BorrowedReply, Decision } from "../replies.ts";
import type { Waiter, WaitQueue } from "./wait-queue.ts";

/** The answers that waiters get, until the host takes them to the parked calls. */
export class WaiterAnswers {
  readonly #queue: WaitQueue;
  #answers: Effects["answers"] = [];

  constructor(queue: WaitQueue) {
    this.#queue = queue;
  }

  /** Takes a waiter out of the queue with its answer. */
  dismiss(waiter: Waiter, reply: Decision): void {
    this.#queue.remove(waiter);
    if (waiter.parked) this.#answers.push({ requestId: waiter.requestId, reply });
  }

  /** Ends the long poll of a waiter, which keeps its queue entry if it soon asks again. */
  endPoll(waiter: Waiter, refusal: BorrowedReply, now: number): void {
    const line = { waiting: this.#queue.size, place: this.#queue.placeOf(waiter) };
    this.#answers.push({ requestId: waiter.requestId, reply: { ...refusal, ...line } });
    waiter.parked = false;
    waiter.until = now + LIMITS.returnWithin;
  }

  /** Takes the answer to the request that is being made, which is answered without being parked. */
  take(requestId: string): Decision | undefined {
    const place = this.#answers.findIndex((answer) => answer.requestId === requestId);
    return place < 0 ? undefined : this.#answers.splice(place, 1)[0]?.reply;
  }

  takeAll(): Effects["answers"] {
    const answers = this.#answers;
    if (answers.length > 0) this.#answers = [];
    return answers;
  }
}
