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

/** How to make a barrier. */
export interface BarrierOptions {
  /** How many callers wait for each other: 1 to 1,000. All callers must give the same number. */
  parties: number;
}

/** A completed generation of a barrier. */
export interface ArriveResult {
  /** The number of the generation: a safe integer that increases with each generation. */
  readonly generation: number;
  /** The order of arrival: 0 is the first caller. So exactly one caller has 0, and can do what must happen once. */
  readonly index: number;
}

/** A point at which a number of callers, the parties, wait for each other, again and again. */
export interface Barrier {
  /** The barrier's id. */
  readonly id: string;
  /**
   * Arrives, and waits until all parties have arrived.
   *
   * @throws `BARRIER_BROKEN` if another party that had arrived died, aborted or ran out of time; `LOCK_TIMEOUT` if this
   * call's `wait` ran out; the reason of `signal`; `QUEUE_FULL`, `UNREACHABLE`; `INVALID_ARGUMENT`, also if another
   * caller gave a different number of `parties`.
   */
  readonly arrive: (options?: WaitOptions) => Promise<ArriveResult>;
  /**
   * How many parties have arrived and wait.
   *
   * @throws `UNREACHABLE`.
   */
  readonly waiting: () => Promise<number>;
}

/** Makes a barrier from the given primitives. */
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
        const arrived = await arriveAndWait(primitives, { parties, requestId, wait, waited: 0 }, signal);
        signal?.throwIfAborted();
        return arrived;
      } catch (error) {
        // The others must not wait for a party that gives up. If this call fails, the object finds out by itself.
        const bounds = { id, within: LEAVE_WITHIN };
        if (hasGivenUp(error)) await callObject((over) => primitives.leave(requestId, over), bounds).catch(() => {});
        throw error;
      }
    },
    waiting: () => callObject((signal) => primitives.waiting(signal), { id, within: ANSWER_WITHIN }),
  };
}

const LEAVE_WITHIN = 1_000;

/** Waits, one long poll after another. After a fault, repeats the call with the same request id. */
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
      `Not all parties arrived at barrier "${id}" within ${wait} ms: raise wait, or call arrive again.`,
    );
  if (reply.reason === "QUEUE_FULL")
    return new LockError(
      "QUEUE_FULL",
      `Barrier "${id}" already has the maximum number of waiters (${LIMITS.maxWaiters}).`,
    );
  if (reply.reason !== "BROKEN") return unexpectedRefusal(reply);
  const why = { died: "died", timeout: "ran out of time", aborted: "gave up" }[reply.why ?? "died"] ?? "left";
  return new LockError("BARRIER_BROKEN", `Barrier "${id}" broke: a party that had arrived ${why}. Call arrive again.`);
}

function hasGivenUp(error: unknown): boolean {
  return !(error instanceof LockError) || error.code === "UNREACHABLE";
}
