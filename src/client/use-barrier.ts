import type { Arrival } from "../core/barrier-state.ts";
import { LIMITS, checkCount, checkOptions } from "../core/limits.ts";
import { PROTOCOL } from "../core/protocol.ts";
import type { ArriveReply } from "../core/rendezvous.ts";
import { LockError } from "../errors.ts";
import type { DurableRendezvous } from "../object/durable-rendezvous.ts";
import { checkId, checkNamespace, checkWaiting, newRequestId } from "./options.ts";
import { ANSWER_WITHIN, callObject } from "./retry.ts";
import { heard } from "./rpc-call.ts";
import { rpcStub } from "./rpc-stub.ts";
import type { WaitOptions } from "./use-latch.ts";
import { unexpectedRefusal } from "./versions.ts";

/** What a barrier is made of. */
export interface BarrierOptions {
  /** How many are to meet: 1 to 1,000. All must give the same. */
  parties: number;
}

/** A meeting that took place. */
export interface Met {
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
  readonly arrive: (options?: WaitOptions) => Promise<Met>;
  /**
   * How many have come and wait.
   *
   * @throws `UNREACHABLE`.
   */
  readonly waiting: () => Promise<number>;
}

/**
 * A barrier: `parties` callers wait for each other and go on together; then it can be used again.
 *
 * If more than `parties` arrive, the first `parties` form one generation, and the rest begin the next.
 *
 * If one who has come dies, aborts or runs out of time, the others are told with `BARRIER_BROKEN` at once, for they would
 * wait in vain; whoever comes next begins anew.
 *
 * @param namespace - the binding of the `DurableRendezvous` class
 * @param id - any well-formed string of 1 to 512 bytes
 * @throws `INVALID_ARGUMENT`
 * @example
 * ```ts
 * const phase = useBarrier(env.DURABLE_RENDEZVOUS, "simulation:7", { parties: 4 });
 * for (const step of steps) {
 *   await compute(step);
 *   await phase.arrive({ wait: 60_000 });
 * }
 * ```
 */
export function useBarrier(
  namespace: DurableObjectNamespace<DurableRendezvous>,
  id: string,
  options: BarrierOptions,
): Barrier {
  const parties = checkCount(checkOptions(options, ["parties"])["parties"], "parties", LIMITS.maxParties);
  checkNamespace(namespace, "DurableRendezvous");
  checkId(id);
  const stub = () => rpcStub(namespace, id, "arrive");
  return {
    id,
    arrive: async (given) => {
      const { wait, signal } = checkWaiting(given);
      signal?.throwIfAborted();
      const requestId = newRequestId();
      try {
        const met = await meet(id, stub, { parties, requestId, wait, waited: 0 }, signal);
        signal?.throwIfAborted();
        return met;
      } catch (error) {
        // Whoever gives up must not be waited for; if it can't be told, the object finds out by itself.
        const bounds = { id, within: LEAVE_WITHIN };
        if (hasGivenUp(error)) await callObject((over) => heard(stub().leave(requestId), over), bounds).catch(() => {});
        throw error;
      }
    },
    waiting: () => callObject((signal) => heard(stub().waiting(), signal), { id, within: ANSWER_WITHIN }),
  };
}

const LEAVE_WITHIN = 1_000;

type Stub = () => DurableObjectStub<DurableRendezvous>;

/** Waits slice by slice, each call repeated with the same request id after a fault. */
async function meet(id: string, stub: Stub, arrival: Arrival, signal: AbortSignal | undefined): Promise<Met> {
  const since = performance.now();
  const call = (given: AbortSignal) => {
    const waited = Math.round(performance.now() - since);
    return attend(stub(), { ...arrival, waited, wait: Math.max(0, arrival.wait - waited) }, given);
  };
  for (;;) {
    const left = Math.max(0, arrival.wait - (performance.now() - since));
    const within = Math.min(left, LIMITS.slice) + ANSWER_WITHIN;
    const reply = await callObject(call, { id, within, signal });
    if (reply.success) return { generation: reply.generation, index: reply.index };
    if (reply.reason !== "WAITING") throw failureOf(id, arrival.wait, reply);
  }
}

/** If this context dies while it waits, the object learns it from the place that the runtime disposes. */
async function attend(
  stub: DurableObjectStub<DurableRendezvous>,
  arrival: Arrival,
  signal: AbortSignal,
): Promise<ArriveReply> {
  const pending = stub.arrive({ ...arrival, protocol: PROTOCOL }) as unknown as Disposable & {
    outcome?: { known(): Promise<ArriveReply> };
  };
  // An instrumented stub may hand out an ordinary promise, on which nothing can be pipelined.
  using attendance =
    pending.outcome === undefined ? await heard(pending as unknown as Promise<typeof pending>, signal) : pending;
  return await heard((attendance.outcome as { known(): Promise<ArriveReply> }).known(), signal);
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
