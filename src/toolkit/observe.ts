import { checkOptions } from "../core/checks.ts";
import { LIMITS } from "../core/limits.ts";
import type { LockHolder, LockStatus } from "../core/replies.ts";
import { isLockError } from "../errors.ts";
import { ANSWER_WITHIN, callObject, pauseAfter } from "../transport/call.ts";
import { checkSignal, inOwnRequest } from "../transport/own-request.ts";
import { sleep } from "../transport/time-box.ts";
import { unexpectedRefusal } from "../transport/version-mismatch.ts";
import { type Lock, checkLock } from "./lock.ts";

/** The current leader. */
export interface Leader {
  /** The number of the term: the lease number. */
  readonly term: number;
  /** The label that the leader gave itself. */
  readonly owner: string | undefined;
  /** When the term began, by the object's clock (ms since the epoch). */
  readonly since: number;
}

/** How to observe. */
export interface ObserveOptions {
  /** Ends the loop, without an error. @default none */
  signal?: AbortSignal;
}

/**
 * Yields the current leader at once, and then each later leader; undefined while there is none.
 *
 * The object reports each change when it happens, through long polls of at most 25 s, which keep the object in memory.
 * Of several changes in quick succession you may see only the last. It waits out an outage, a lock that already has
 * 10,000 observers, and a rate limit of the service. It ends when you leave the loop or `signal` fires, which is no
 * error; that also cancels a parked call.
 *
 * @throws `INVALID_ARGUMENT`, `VERSION_MISMATCH`; over HTTP `ACCESS_DENIED`.
 * @example
 * ```ts
 * for await (const leader of observe(lock, { signal })) console.log(leader?.owner ?? "nobody");
 * ```
 */
export function observe(lock: Lock, options?: ObserveOptions): AsyncGenerator<Leader | undefined, void> {
  checkLock(lock);
  return inOneRequest(leaders(lock, checkSignal(checkOptions(options, ["signal"])["signal"])));
}

/**
 * Limits a generator to the request that first calls it. A generator handles one call after another: behind a call of a
 * request that has ended, a call of another request would never settle.
 */
function inOneRequest<T>(generator: AsyncGenerator<T, void>): AsyncGenerator<T, void> {
  const [next, end] = [generator.next.bind(generator), generator.return.bind(generator)];
  let home: AbortSignal | undefined;
  const here = async <R>(call: () => Promise<R>) =>
    inOwnRequest((home ??= new AbortController().signal), "This loop over observe", call);
  generator.next = () => here(() => next());
  generator.return = (value) => here(() => end(value));
  return generator;
}

async function* leaders(lock: Lock, signal: AbortSignal | undefined): AsyncGenerator<Leader | undefined, void> {
  let known: number | undefined;
  for (let failed = 0; ;) {
    try {
      signal?.throwIfAborted();
      const seen = await look(lock, known, signal);
      failed = "status" in seen ? 0 : failed + 1;
      if (!("status" in seen)) {
        await sleep(pauseAfter(seen.fault, failed), signal);
        continue;
      }
      const leader = leaderOf(seen.status);
      const term = leader?.term ?? 0;
      if (term === known) continue;
      known = term;
      yield leader;
    } catch (error) {
      if (signal?.aborted) return;
      throw error;
    }
  }
}

/** The status as soon as the newest lease is not `known`, or the fault that prevents an answer now. */
async function look(
  { primitives }: Lock,
  known: number | undefined,
  signal: AbortSignal | undefined,
): Promise<{ status: LockStatus } | { fault: unknown }> {
  const { id, url } = primitives;
  const longPoll = () => primitives.longPoll?.() ?? LIMITS.longPoll;
  const ask = (given: AbortSignal) => {
    if (known === undefined) return primitives.status(given);
    // The answer must not grow with the number of candidates.
    if (primitives.watchNewest) return primitives.watchNewest(known, longPoll(), given);
    return primitives.watch(known, longPoll(), given);
  };
  try {
    const reply = await callObject(ask, { id, url, within: LIMITS.longPoll + ANSWER_WITHIN, signal });
    if ("waiters" in reply) return { status: reply };
    if (reply.reason === "QUEUE_FULL") return { fault: reply };
    throw unexpectedRefusal(reply);
  } catch (error) {
    if (isLockError(error, "UNREACHABLE") || isLockError(error, "RATE_LIMITED")) return { fault: error };
    throw error;
  }
}

function leaderOf({ holders }: LockStatus): Leader | undefined {
  const newest = holders.reduce<LockHolder | undefined>(
    (one, other) => (one && one.lease > other.lease ? one : other),
    undefined,
  );
  return newest && { term: newest.lease, owner: newest.owner, since: newest.since };
}
