import { LIMITS, checkCount, checkOptions, checkText } from "../core/limits.ts";
import type { LatchReply } from "../core/rendezvous.ts";
import { LockError } from "../errors.ts";
import type { DurableRendezvous } from "../object/durable-rendezvous.ts";
import { checkId, checkNamespace, checkWaiting, newRequestId } from "./options.ts";
import { ANSWER_WITHIN, callObject } from "./retry.ts";
import { heard } from "./rpc-call.ts";
import { rpcStub } from "./rpc-stub.ts";
import { unexpectedRefusal } from "./versions.ts";

/** What a latch is made of. */
export interface LatchOptions {
  /** How often it has to be counted down: 1 to 10,000. All must give the same. */
  count: number;
}

/** How to wait. */
export interface WaitOptions {
  /** How long to wait, in milliseconds up to a day; `Infinity` without end. @default 10000 */
  wait?: number;
  /** Aborts the waiting. @default none */
  signal?: AbortSignal;
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

/**
 * A latch: whoever waits goes on when `count` count-downs have been made, from wherever.
 *
 * Count-downs are stored, each takes effect once, and none is taken back if its caller dies. The latch stays open; a day
 * after the last count-down its object is wiped, and the id is a new latch.
 *
 * @param namespace - the binding of the `DurableRendezvous` class
 * @param id - any well-formed string of 1 to 512 bytes
 * @throws `INVALID_ARGUMENT`
 * @example
 * ```ts
 * const parts = useLatch(env.DURABLE_RENDEZVOUS, "import:42", { count: 3 });
 * await parts.countDown({ requestId: `part ${n}` }); // in each of three jobs
 * await parts.wait({ wait: 60_000 }); // in whoever needs them all
 * ```
 */
export function useLatch(
  namespace: DurableObjectNamespace<DurableRendezvous>,
  id: string,
  options: LatchOptions,
): Latch {
  const count = checkCount(checkOptions(options, ["count"])["count"], "count", LIMITS.maxCount);
  const stub = () => rpcStub(namespace, id, "countDown");
  checkNamespace(namespace, "DurableRendezvous");
  checkId(id);
  return {
    id,
    countDown: async (given) => {
      const { by = 1, requestId = newRequestId() } = checkOptions(given, ["by", "requestId"]);
      const checked = [count, checkCount(by, "by", count), checkText(requestId, "requestId")] as const;
      const bounds = { id, within: ANSWER_WITHIN };
      return remainingOf(id, await callObject((signal) => heard(stub().countDown(...checked), signal), bounds));
    },
    wait: (given) => waitFor(id, (wait, signal) => heard(stub().awaitLatch(count, wait), signal), given),
    remaining: async () => {
      const bounds = { id, within: ANSWER_WITHIN };
      return remainingOf(id, await callObject((signal) => heard(stub().awaitLatch(count, 0), signal), bounds));
    },
  };
}

type Ask = (wait: number, signal: AbortSignal) => Promise<LatchReply>;

async function waitFor(id: string, ask: Ask, given: WaitOptions | undefined) {
  const { wait, signal } = checkWaiting(given);
  signal?.throwIfAborted();
  const since = performance.now();
  for (let left = wait; ; left = wait - Math.round(performance.now() - since)) {
    const slice = Math.max(0, Math.min(left, LIMITS.slice));
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
