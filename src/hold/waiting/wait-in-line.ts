import { LIMITS } from "../../core/limits.ts";
import type { RecordedReply, RefusalReply } from "../../core/replies.ts";
import type { LockRequest } from "../../core/request.ts";
import { ANSWER_WITHIN } from "../../transport/call.ts";
import { type Fault, CUT_AFTER } from "../../transport/fault.ts";
import { failureOf, isWorthWaitingOut, retryAfterOf } from "../../transport/outage.ts";
import type { LockPrimitives } from "../../transport/primitives.ts";
import { sleep, timeBox, TIMED_OUT } from "../../transport/time-box.ts";
import type { Acquisition } from "../acquisition.ts";
import { type Acquired, askOnce } from "../ask-once.ts";
import { lineDelay, overloadDelay } from "./line-backoff.ts";
import { Patience } from "./patience.ts";

/**
 * A call that lasted at least this long was parked, in milliseconds. A fault that ends it starts a new series of
 * faults.
 */
const WAS_PARKED = 1_000;

/**
 * Waits in the queue, one long poll after another, until there is a grant or a final refusal, or `wait` ends.
 *
 * Each poll has the same request id and says how long this caller has waited, so the queue entry survives faults. The
 * caller waits out an overload and a `Retry-After` while its patience lasts. Throws `UNREACHABLE` for an outage, and
 * `RATE_LIMITED` if the service allows no further request before `wait` ends. If no retry can help, it throws at once.
 */
export async function waitInLine(
  primitives: LockPrimitives,
  { request, signal }: Pick<Acquisition, "request" | "signal">,
): Promise<Acquired> {
  const queueWait = new QueueWait(primitives, request);
  for (;;) {
    const acquired = await queueWait.ask(signal);
    if (acquired) return acquired;
    await queueWait.pause(signal);
  }
}

/** One caller's wait in the queue. */
class QueueWait {
  readonly #primitives: LockPrimitives;
  readonly #request: LockRequest;
  readonly #since = performance.now();
  readonly #patience: Patience;
  /** The length of the queue, by the last answer; 0 if no answer has given it. */
  #queueLength = 0;
  /** Whether a call of this caller was parked before, so that it has a queue entry to return to. */
  #hasQueueEntry = false;
  #asked = 0;
  #failed = 0;
  #delay = 0;

  constructor(primitives: LockPrimitives, request: LockRequest) {
    this.#primitives = primitives;
    this.#request = request;
    this.#patience = new Patience(primitives, request.wait);
  }

  /** One long poll; undefined if another must follow. */
  async ask(signal: AbortSignal | undefined): Promise<Acquired | undefined> {
    // The first poll passes `waited` on unchanged, to keep the order. Each later one adds the time since then, at least
    // 1 ms, because a restarted object takes a caller that has waited 0 ms for a newcomer.
    const waited = this.#asked++ === 0 ? 0 : Math.max(1, this.#waited());
    const wait = Math.max(1, this.#request.wait - waited);
    // A poll must not outlast the patience, and its answer needs time as well.
    const longPoll = Math.min(
      this.#primitives.longPoll?.() ?? LIMITS.longPoll,
      Math.max(CUT_AFTER, Math.floor(this.#patience.left) - ANSWER_WITHIN),
    );
    const parked = Math.min(wait, longPoll);
    const asked = { ...this.#request, wait, waited: this.#request.waited + waited };
    const sentAt = performance.now();
    const answer = await poll(
      this.#primitives,
      parked < wait && longPoll < LIMITS.longPoll ? { ...asked, longPoll } : asked,
      { within: Math.min(parked + ANSWER_WITHIN, this.#patience.left), signal },
    );
    // `QUEUE_FULL` shows that this caller was not in the queue, however late that answer comes.
    if (performance.now() - sentAt >= WAS_PARKED && !isQueueFull(answer)) {
      this.#failed = 0;
      this.#hasQueueEntry = true;
    }
    if ("fault" in answer) return this.#handleFault(answer.fault, parked);
    this.#patience.answered();
    return this.#handleAnswer(answer, wait > longPoll);
  }

  async pause(signal: AbortSignal | undefined): Promise<void> {
    if (this.#delay > 0) await sleep(this.#delay, signal);
    this.#delay = 0;
  }

  /** Handles an answer. Returns the outcome, or undefined if this caller must keep waiting. */
  #handleAnswer(answer: Acquired, waitsOn: boolean): Acquired | undefined {
    if (answer.success) return answer;
    if (answer.reason === "BORROWED") {
      if (!waitsOn) return answer;
      this.#failed = 0;
      this.#hasQueueEntry = true;
      this.#queueLength = answer.waiting ?? 0;
      return undefined;
    }
    // A caller that lost its connection may come back to a full queue: it keeps trying to get in again.
    const left = this.#request.wait - this.#waited();
    if (!isFull(answer) || !this.#hasQueueEntry || left <= 0) return answer;
    this.#delay = Math.min(left, overloadDelay((this.#failed += 1), this.#queueLength, Math.random()));
    return undefined;
  }

  /** Handles a fault: sets the delay before the next poll, or throws. */
  #handleFault(fault: Fault | undefined, parked: number): undefined {
    this.#failed += 1;
    const left = this.#request.wait - this.#waited();
    if (fault?.rateLimited && (left <= 0 || retryAfterOf(fault) > left)) throw failureOf(this.#primitives, fault);
    const delay = this.#delayAfter(fault);
    this.#patience.failed(fault, parked, delay);
    this.#delay = left > 0 ? Math.min(left, delay) : delay;
  }

  #delayAfter(fault: Fault | undefined): number {
    const { cutAfter = 0, overloaded = false } = fault ?? {};
    const retryAfter = retryAfterOf(fault);
    const chance = Math.random();
    // The next poll is shorter and so avoids the cut: don't wait long before it.
    if (cutAfter > CUT_AFTER) return lineDelay(1, this.#queueLength, chance);
    if (overloaded || retryAfter > 0)
      return Math.max(overloadDelay(this.#failed, this.#queueLength, chance), retryAfter * (1 + chance / 10));
    return lineDelay(this.#failed, this.#queueLength, chance);
  }

  #waited(): number {
    return Math.round(performance.now() - this.#since);
  }
}

/**
 * Makes one call. Returns a fault of the transport as an outcome; if no answer comes in time, the fault is undefined.
 */
async function poll(
  primitives: LockPrimitives,
  request: LockRequest,
  { within, signal }: { within: number; signal: AbortSignal | undefined },
): Promise<Acquired | { fault: Fault | undefined }> {
  const giveUp = new AbortController();
  try {
    const reply = await timeBox(askOnce(primitives, request, giveUp.signal), within, signal);
    if (reply !== TIMED_OUT) return reply;
    giveUp.abort();
    return { fault: undefined };
  } catch (error) {
    giveUp.abort();
    // The abort and the fault may come at the same time: a caller that aborts must get the reason of its abort.
    signal?.throwIfAborted();
    if (!isWorthWaitingOut(error)) throw failureOf(primitives, error);
    return { fault: error };
  }
}

function isQueueFull(answer: Acquired | { fault: Fault | undefined }): boolean {
  return "reason" in answer && answer.reason === "QUEUE_FULL";
}

function isFull({ reason }: RecordedReply | RefusalReply): boolean {
  return reason === "QUEUE_FULL" || reason === "TOO_MANY_LEASES";
}
