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

/** A call that lasted for so long was parked, in milliseconds: the fault that ends it begins another row of faults. */
const WAS_PARKED = 1_000;

/**
 * Waits in the queue, long poll by long poll, until a grant, a final refusal, or the end of its time.
 *
 * Each poll has the same request id and says how long this caller has waited, so the queue entry survives faults. The
 * caller waits out an overload and a `Retry-After` while its patience lasts. Throws `UNREACHABLE` for an outage,
 * `RATE_LIMITED` if the service refuses to be asked again before `wait` ends, and at once what no retry cures.
 */
export async function waitInLine(
  primitives: LockPrimitives,
  { request, signal }: Pick<Acquisition, "request" | "signal">,
): Promise<Acquired> {
  const line = new Line(primitives, request);
  for (;;) {
    const acquired = await line.ask(signal);
    if (acquired) return acquired;
    await line.pause(signal);
  }
}

/** One caller's wait. */
class Line {
  readonly #primitives: LockPrimitives;
  readonly #request: LockRequest;
  readonly #since = performance.now();
  readonly #patience: Patience;
  /** How many were in the queue, by the last answer; 0 if no answer has said so. */
  #inLine = 0;
  /** Whether a call of this caller was parked before, so that it has a queue entry to return to. */
  #hasPlace = false;
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
    // The first poll passes `waited` on unchanged, to keep the order; each later one adds the time since. It is never 0:
    // that is how a restarted object tells this caller from a newcomer.
    const waited = this.#asked++ === 0 ? 0 : Math.max(1, this.#waited());
    const wait = Math.max(1, this.#request.wait - waited);
    // A poll must not outlast the patience, and its answer needs time too.
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
    // However late it comes: who is told that the queue is full was not in it.
    if (performance.now() - sentAt >= WAS_PARKED && !isQueueFull(answer)) {
      this.#failed = 0;
      this.#hasPlace = true;
    }
    if ("fault" in answer) return this.#meet(answer.fault, parked);
    this.#patience.answered();
    return this.#hear(answer, wait > longPoll);
  }

  async pause(signal: AbortSignal | undefined): Promise<void> {
    if (this.#delay > 0) await sleep(this.#delay, signal);
    this.#delay = 0;
  }

  /** The outcome that an answer means; undefined if this caller must keep waiting. */
  #hear(answer: Acquired, waitsOn: boolean): Acquired | undefined {
    if (answer.success) return answer;
    if (answer.reason === "BORROWED") {
      if (!waitsOn) return answer;
      this.#failed = 0;
      this.#hasPlace = true;
      this.#inLine = answer.waiting ?? 0;
      return undefined;
    }
    // A caller that lost its connection may come back to a full queue: it keeps trying to get in again.
    const left = this.#request.wait - this.#waited();
    if (!isFull(answer) || !this.#hasPlace || left <= 0) return answer;
    this.#delay = Math.min(left, overloadDelay((this.#failed += 1), this.#inLine, Math.random()));
    return undefined;
  }

  #meet(fault: Fault | undefined, parked: number): undefined {
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
    // The next poll is shorter, which avoids the cut, so don't stay away for long.
    if (cutAfter > CUT_AFTER) return lineDelay(1, this.#inLine, chance);
    if (overloaded || retryAfter > 0)
      return Math.max(overloadDelay(this.#failed, this.#inLine, chance), retryAfter * (1 + chance / 10));
    return lineDelay(this.#failed, this.#inLine, chance);
  }

  #waited(): number {
    return Math.round(performance.now() - this.#since);
  }
}

/** One call. A fault of the transport is an outcome; so is silence, which has an undefined fault. */
async function poll(
  primitives: LockPrimitives,
  request: LockRequest,
  { within, signal }: { within: number; signal: AbortSignal | undefined },
): Promise<Acquired | { fault: Fault | undefined }> {
  const giveUp = new AbortController();
  try {
    const reply = await timeBox(askOnce(primitives, request, giveUp.signal), within, signal);
    return reply === TIMED_OUT ? { fault: undefined } : reply;
  } catch (error) {
    // The abort and the fault may have come at once: a caller that aborts must get the reason of its abort.
    signal?.throwIfAborted();
    if (!isWorthWaitingOut(error)) throw failureOf(primitives, error);
    return { fault: error };
  } finally {
    giveUp.abort();
  }
}

function isQueueFull(answer: Acquired | { fault: Fault | undefined }): boolean {
  return "reason" in answer && answer.reason === "QUEUE_FULL";
}

function isFull({ reason }: RecordedReply | RefusalReply): boolean {
  return reason === "QUEUE_FULL" || reason === "TOO_MANY_LEASES";
}
