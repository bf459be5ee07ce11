import { checkCount, checkOptions, checkText } from "../../core/checks.ts";
import { LIMITS } from "../../core/limits.ts";
import type { LatchReply } from "../../core/rendezvous/rendezvous-replies.ts";
import { LockError } from "../../errors.ts";
import { ANSWER_WITHIN, callObject } from "../../transport/call.ts";
import type { RendezvousPrimitives } from "../../transport/rendezvous-primitives.ts";
import { newRequestId } from "../../transport/request-id.ts";
import { unexpectedRefusal } from "../../transport/version-mismatch.ts";
import { type WaitOptions, checkWaiting } from "../options/wait-options.ts";

/** How to make a latch. */
export interface LatchOptions {
  /** How far the latch must be counted down: 1 to 10,000. All callers must give the same number. */
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
   * Counts down, once for each `requestId`. Returns the remaining count.
   *
   * @throws `INVALID_ARGUMENT`, also if another caller gave a different `count`; `UNREACHABLE`.
   */
  readonly countDown: (options?: CountDownOptions) => Promise<number>;
  /**
   * Waits until the latch is open.
   *
   * @throws `LOCK_TIMEOUT` if it does not open within `wait` ms; the reason of `signal`; `QUEUE_FULL`, `UNREACHABLE`,
   * `INVALID_ARGUMENT`.
   */
  readonly wait: (options?: WaitOptions) => Promise<void>;
  /**
   * The remaining count; 0 if the latch is open.
   *
   * @throws `UNREACHABLE`, `INVALID_ARGUMENT`.
   */
  readonly remaining: () => Promise<number>;
}

/** Makes a latch from the given primitives. */
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
    const longPoll = Math.max(0, Math.min(left, LIMITS.longPoll));
    const reply = await callObject((over) => ask(longPoll, over), { id, within: longPoll + ANSWER_WITHIN, signal });
    if (remainingOf(id, reply) === 0) return;
    if (left > longPoll) continue;
    throw new LockError(
      "LOCK_TIMEOUT",
      `Latch "${id}" did not open within ${wait} ms: set a longer wait, or wait again.`,
    );
  }
}

function remainingOf(id: string, reply: LatchReply): number {
  if (reply.success) return reply.remaining;
  if (reply.reason === "QUEUE_FULL")
    throw new LockError(
      "QUEUE_FULL",
      `Latch "${id}" already has the maximum number of waiters (${LIMITS.maxWaiters}).`,
    );
  throw unexpectedRefusal(reply);
}
