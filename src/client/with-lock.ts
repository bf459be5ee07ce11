import type { JobResult } from "../core/replies.ts";
import { LeaseLostError } from "../errors.ts";
import type { Hold, HeldLease } from "./held-lease.ts";

/** The work done under a lock. */
export type Critical<T> = (held: HeldLease) => T | PromiseLike<T>;

/** What of a hold it takes to run under it. */
type Signalled = Pick<HeldLease, "signal" | "isLost">;

/** How the work went. */
export type Outcome = { value: unknown } | { error: unknown };

/**
 * Runs `fn` under a hold and can't lie about it: it fulfils only if the lease was live until `fn` settled.
 *
 * The clock is looked at again when `fn` settles, and the release is asked too: a Worker's clock stands still while it
 * computes, so only the object's answer tells whether a computation outlived its lease. With `resultOf`, what came of
 * the work is stored with the release.
 */
export async function runUnder<T, H extends Signalled>(
  { held, release }: Hold<H>,
  fn: (held: H) => T | PromiseLike<T>,
  resultOf: (outcome: Outcome) => JobResult | undefined = () => undefined,
): Promise<T> {
  let value: T;
  try {
    value = await fn(held);
  } catch (error) {
    const lost = held.isLost();
    // What fn threw is what its caller must see; a release that fails too is only late, for the lease ends with its ttl.
    await release(resultOf({ error })).catch(() => {});
    throw lost ? lostWhile(held, error) : error;
  }
  if (!held.isLost()) await release(resultOf({ value }));
  held.signal.throwIfAborted();
  return value;
}

/** The loss, with what `fn` threw as its cause, unless that is the loss itself. */
function lostWhile({ signal }: Signalled, error: unknown): unknown {
  const loss = signal.reason as LeaseLostError;
  return error === loss ? loss : new LeaseLostError(loss.why, loss.lease, loss.message, { cause: error });
}
