import { invalid } from "../core/checks.ts";
import type { JobResult } from "../core/replies.ts";
import { LeaseLostError } from "../errors.ts";
import type { HeldLease } from "./held-lease.ts";

/** The work done under a lock. */
export type CriticalSection<T> = (held: HeldLease) => T | PromiseLike<T>;

/** What of a hold it takes to run under it. */
type Signalled = Pick<HeldLease, "signal" | "isLost">;

/** What is held, and what ends it. */
export interface Releasable<H> {
  readonly held: H;
  readonly release: (result?: JobResult) => Promise<unknown>;
}

/** Checked before the lock is taken: a slip must not cost anybody a lease. */
export function checkWork(fn: unknown): void {
  if (typeof fn !== "function") throw invalid("fn", "fn must be a function: the work to do under the lock.");
}

/** How the work went. */
export type WorkOutcome<T = unknown> = { value: T } | { error: unknown };

/**
 * Runs `fn` under a hold and can't lie about it: it fulfils only if the lease was live until `fn` settled.
 *
 * The clock is looked at again when `fn` settles, and the release is asked too: a Worker's clock stands still while it
 * computes, so only the object's answer tells whether a computation outlived its lease. With `resultOf`, what came of
 * the work is stored with the release.
 */
export async function runUnder<T, H extends Signalled>(
  { held, release }: Releasable<H>,
  fn: (held: H) => T | PromiseLike<T>,
  resultOf: (outcome: WorkOutcome) => JobResult | undefined = () => undefined,
): Promise<T> {
  const outcome = await settle(() => fn(held));
  const lost = held.isLost();
  const released = release(lost ? undefined : resultOf(outcome));
  // A release that fails too is only late, for the lease ends with its ttl: what fn threw, or the loss, is what counts.
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

/** The loss, with what `fn` threw as its cause, unless that is the loss itself. */
function lostWhile({ signal }: Signalled, error: unknown): unknown {
  const loss = signal.reason as LeaseLostError;
  return error === loss ? loss : new LeaseLostError(loss.why, loss.lease, loss.message, { cause: error });
}
