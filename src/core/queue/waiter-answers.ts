import type { Effects } from "../effects.ts";
import { LIMITS } from "../limits.ts";
import type { BorrowedReply, Decision } from "../replies.ts";
import type { WaitQueue } from "./wait-queue.ts";
import type { Waiter } from "./waiter.ts";

/** The answers to waiters, held until the host delivers them to the parked calls. */
export class WaiterAnswers {
  readonly #queue: WaitQueue;
  #answers: Effects["answers"] = [];

  constructor(queue: WaitQueue) {
    this.#queue = queue;
  }

  /** Removes a waiter from the queue and answers it. */
  dismiss(waiter: Waiter, reply: Decision): void {
    this.#queue.remove(waiter);
    if (waiter.parked) this.#answers.push({ requestId: waiter.requestId, reply });
  }

  /** Ends the long poll of a waiter. The waiter keeps its queue entry if it polls again soon. */
  endPoll(waiter: Waiter, refusal: BorrowedReply, now: number): void {
    const position = { waiting: this.#queue.size, place: this.#queue.placeOf(waiter) };
    this.#answers.push({ requestId: waiter.requestId, reply: { ...refusal, ...position } });
    this.#queue.change(waiter, { parked: false, until: now + LIMITS.returnWithin });
  }

  /** Removes and returns the answer to the call in progress, which is answered directly and never parked. */
  take(requestId: string): Decision | undefined {
    const index = this.#answers.findIndex((answer) => answer.requestId === requestId);
    return index < 0 ? undefined : this.#answers.splice(index, 1)[0]?.reply;
  }

  takeAll(): Effects["answers"] {
    const answers = this.#answers;
    if (answers.length > 0) this.#answers = [];
    return answers;
  }
}
