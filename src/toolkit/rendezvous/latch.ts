import { checkCount, checkOptions, checkText } from "../../core/checks.ts";
import { LIMITS } from "../../core/limits.ts";
import type { LatchReply } from "../../core/rendezvous/rendezvous-replies.ts";
import { LockError } from "../../errors.ts";
import { ANSWER_WITHIN, callObject } from "../../transport/call.ts";
import type { RendezvousPrimitives } from "../../transport/rendezvous-primitives.ts";
import { newRequestId } from "../../transport/request-id.ts";
import { unexpectedRefusal } from "../../transport/version-mismatch.ts";
import { type WaitOptions, checkWaiting } from "../options/wait-options.ts";

/** What a latch is made of. */
export interface LatchOptions {
  /** How often it has to be counted down: 1 to 10,000. All must give the same. */
  count: number;
}

/** How to count down. */
export interface CountDownOptions {
  /** By how much: 1 to the latch's `count`. @default 1 */
  by?: number;
  /** Names the count-down: repeating it has no second effect. @default a random id */
  requestId?: string;
}

/** A gate that opens when it has been counted down often enough, and stays open. */
export interface Latch {
  /** The latch's id. */
  readonly id: string;
  /**
   * Counts down, once for each `requestId`; answers how often it has to be counted down yet.
   *
   * @throws `INVALID_ARGUMENT`, also for another `count` than the others gave; `UNREACHABLE`.
   */
  readonly countDown: (options?: CountDownOptions) => Promise<number>;
  /**
   * Waits until it is open.
   *
   * @throws `LOCK_TIMEOUT` if it is not within `wait` ms; the reason of `signal`; `QUEUE_FULL`, `UNREACHABLE`,
   * `INVALID_ARGUMENT`.
   */
  readonly wait: (options?: WaitOptions) => Promise<void>;
  /**
   * How often it has to be counted down yet; 0 if it is open.
   *
   * @throws `UNREACHABLE`, `INVALID_ARGUMENT`.
   */
  readonly remaining: () => Promise<number>;
}

/** The latch that stands on given primitives. */
export function createLatch(primitives: RendezvousPrimitives, options: LatchOptions): Latch {
  const count = checkCount(checkOptions(options, ["count"])["count"], "count", LIMITS.maxCount);
  const { id } = primitives;
  const bounds = { id, within: ANSWER_WITHIN };
  return {
    id,
    countDown: async (given) => {
      const { by = 1, requestId = newRequestId() } = checkOptions(given, ["by", "requestId"]);
      const checked = [count, checkCount(by, "by", count), checkText(requestId, "requestId")] as const;
      return remainingOf(id, await callObject((signal) => primitives.countDown(...checked, signal), bounds));
    },
    wait: (given) => waitFor(id, (wait, signal) => primitives.awaitLatch(count, wait, signal), given),
    remaining: async () =>
      remainingOf(id, await callObject((signal) => primitives.awaitLatch(count, 0, signal), bounds)),
  };
}

type Ask = (wait: number, signal: AbortSignal) => Promise<LatchReply>;

async function waitFor(id: string, ask: Ask, given: WaitOptions | undefined) {
  const { wait, signal } = checkWaiting(given);
  signal?.throwIfAborted();
  const since = performance.now();
  for (let left = wait; ; left = wait - Math.round(performance.now() - since)) {
    const slice = Math.max(0, Math.min(left, LIMITS.longPoll));
    const reply = await callObject((over) => ask(slice, over), { id, within: slice + ANSWER_WITHIN, signal });
    if (remainingOf(id, reply) === 0) return;
    if (left > slice) continue;
    throw new LockError("LOCK_TIMEOUT", `Latch "${id}" did not open within ${wait} ms: raise wait, or come again.`);
  }
}

function remainingOf(id: string, reply: LatchReply): number {
  if (reply.success) return reply.remaining;
  if (reply.reason === "QUEUE_FULL")
    throw new LockError("QUEUE_FULL", `Latch "${id}" has as many waiters as it admits (${LIMITS.maxWaiters}).`);
  throw unexpectedRefusal(reply);
}
