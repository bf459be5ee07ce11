import { invalid } from "../core/checks.ts";
import type { JobResult } from "../core/replies.ts";
import { LeaseLostError } from "../errors.ts";
import type { HeldLease } from "./held-lease.ts";

/** The work done under a lock. */
export type CriticalSection<T> = (held: HeldLease) => T | PromiseLike<T>;

/** The part of a hold that is needed to run under it. */
type Signalled = Pick<HeldLease, "signal" | "isLost">;

/** What is held, and the function that releases it. */
export interface Releasable<H> {
  readonly held: H;
  readonly release: (result?: JobResult) => Promise<unknown>;
}

/** Checks the work before the lock is taken, so that a mistake never takes the lock from others. */
export function checkWork(fn: unknown): void {
  if (typeof fn !== "function") throw invalid("fn", "fn must be a function: the work to do under the lock.");
}

/** How the work went. */
export type WorkOutcome<T = unknown> = { value: T } | { error: unknown };

/**
 * Runs `fn` under a hold. It fulfils only if the lease was live until `fn` settled.
 *
 * It checks the clock again when `fn` settles, and then also relies on the object's answer to the release: a Worker's
 * clock stands still while the Worker computes, so only the object can tell whether a computation outlived its lease.
 * With `resultOf`, the release also stores the outcome of the work.
 */
export async function runUnder<T, H extends Signalled>(
  { held, release }: Releasable<H>,
  fn: (held: H) => T | PromiseLike<T>,
  resultOf: (outcome: WorkOutcome) => JobResult | undefined = () => undefined,
): Promise<T> {
  const outcome = await settle(() => fn(held));
  const lost = held.isLost();
  const released = release(lost ? undefined : resultOf(outcome));
  // An error from `fn`, or the loss, takes precedence over a failed release: the lease still ends with its ttl.
  await released.catch(() => {});
  if ("error" in outcome) throw lost ? lostWhile(held, outcome.error) : outcome.error;
  held.signal.throwIfAborted();
  await released;
  return outcome.value;
}

async function settle<T>(work: () => T | PromiseLike<T>): Promise<WorkOutcome<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    return { error };
  }
}

/** The loss, with the error from `fn` as its cause, unless `fn` threw the loss itself. */
function lostWhile({ signal }: Signalled, error: unknown): unknown {
  const loss = signal.reason as LeaseLostError;
  return error === loss ? loss : new LeaseLostError(loss.why, loss.lease, loss.message, { cause: error });
}
