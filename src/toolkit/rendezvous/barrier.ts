import { checkCount, checkOptions } from "../../core/checks.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Arrival } from "../../core/rendezvous/barrier-state.ts";
import type { ArriveReply } from "../../core/rendezvous/rendezvous-replies.ts";
import { LockError } from "../../errors.ts";
import { ANSWER_WITHIN, callObject } from "../../transport/call.ts";
import type { RendezvousPrimitives } from "../../transport/rendezvous-primitives.ts";
import { newRequestId } from "../../transport/request-id.ts";
import { unexpectedRefusal } from "../../transport/version-mismatch.ts";
import { type WaitOptions, checkWaiting } from "../options/wait-options.ts";

/** What a barrier is made of. */
export interface BarrierOptions {
  /** How many are to meet: 1 to 1,000. All must give the same. */
  parties: number;
}

/** A meeting that took place. */
export interface ArriveResult {
  /** The number of the meeting: a safe integer that grows with each. */
  readonly generation: number;
  /** Who came how late: 0 is the first, so exactly one is, and can do what is to be done once. */
  readonly index: number;
}

/** A place where a number of parties wait for each other, again and again. */
export interface Barrier {
  /** The barrier's id. */
  readonly id: string;
  /**
   * Comes, and waits until all have come.
   *
   * @throws `BARRIER_BROKEN` if one of those who had come died, aborted or ran out of time; `LOCK_TIMEOUT` if this one's
   * `wait` ran out; the reason of `signal`; `QUEUE_FULL`, `UNREACHABLE`; `INVALID_ARGUMENT`, also for another number of `parties`.
   */
  readonly arrive: (options?: WaitOptions) => Promise<ArriveResult>;
  /**
   * How many have come and wait.
   *
   * @throws `UNREACHABLE`.
   */
  readonly waiting: () => Promise<number>;
}

/** The barrier that stands on given primitives. */
export function createBarrier(primitives: RendezvousPrimitives, options: BarrierOptions): Barrier {
  const parties = checkCount(checkOptions(options, ["parties"])["parties"], "parties", LIMITS.maxParties);
  const { id } = primitives;
  return {
    id,
    arrive: async (given) => {
      const { wait, signal } = checkWaiting(given);
      signal?.throwIfAborted();
      const requestId = newRequestId();
      try {
        const met = await arriveAndWait(primitives, { parties, requestId, wait, waited: 0 }, signal);
        signal?.throwIfAborted();
        return met;
      } catch (error) {
        // Whoever gives up must not be waited for; if it can't be told, the object finds out by itself.
        const bounds = { id, within: LEAVE_WITHIN };
        if (hasGivenUp(error)) await callObject((over) => primitives.leave(requestId, over), bounds).catch(() => {});
        throw error;
      }
    },
    waiting: () => callObject((signal) => primitives.waiting(signal), { id, within: ANSWER_WITHIN }),
  };
}

const LEAVE_WITHIN = 1_000;

/** Waits slice by slice, each call repeated with the same request id after a fault. */
async function arriveAndWait(
  primitives: RendezvousPrimitives,
  arrival: Arrival,
  signal: AbortSignal | undefined,
): Promise<ArriveResult> {
  const { id } = primitives;
  const since = performance.now();
  const call = (given: AbortSignal) => {
    const waited = Math.round(performance.now() - since);
    return primitives.arrive({ ...arrival, waited, wait: Math.max(0, arrival.wait - waited) }, given);
  };
  for (;;) {
    const left = Math.max(0, arrival.wait - (performance.now() - since));
    const within = Math.min(left, LIMITS.longPoll) + ANSWER_WITHIN;
    const reply = await callObject(call, { id, within, signal });
    if (reply.success) return { generation: reply.generation, index: reply.index };
    if (reply.reason !== "WAITING") throw failureOf(id, arrival.wait, reply);
  }
}

function failureOf(id: string, wait: number, reply: Exclude<ArriveReply, { success: true }>): LockError {
  if (reply.reason === "TIMEOUT")
    return new LockError(
      "LOCK_TIMEOUT",
      `Not all came to barrier "${id}" within ${wait} ms: raise wait, or come again.`,
    );
  if (reply.reason === "QUEUE_FULL")
    return new LockError("QUEUE_FULL", `Barrier "${id}" has as many waiters as it admits (${LIMITS.maxWaiters}).`);
  if (reply.reason !== "BROKEN") return unexpectedRefusal(reply);
  const why = { died: "died", timeout: "ran out of time", aborted: "gave up" }[reply.why ?? "died"] ?? "left";
  return new LockError("BARRIER_BROKEN", `Barrier "${id}" broke: one of those who had come ${why}. Come again.`);
}

function hasGivenUp(error: unknown): boolean {
  return !(error instanceof LockError) || error.code === "UNREACHABLE";
}
