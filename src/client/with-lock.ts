import { LeaseLostError } from "../errors.ts";
import type { Hold, HeldLease } from "./held-lease.ts";

/** The work done under a lock. */
export type Critical<T> = (held: HeldLease) => T | PromiseLike<T>;

/**
 * Runs `fn` under a hold and can't lie about it: it fulfils only if the lease was live until `fn` settled.
 *
 * The clock is looked at again when `fn` settles, and the release is asked too: a Worker's clock stands still while it
 * computes, so only the object's answer tells whether a computation outlived its lease.
 */
export async function runUnder<T>({ held, isLost }: Hold, fn: Critical<T>): Promise<T> {
  let value: T;
  try {
    value = await fn(held);
  } catch (error) {
    const lost = isLost();
    // What fn threw is what its caller must see; a release that fails too is only late, for the lease ends with its ttl.
    await held.release().catch(() => {});
    throw lost ? lostWhile(held, error) : error;
  }
  if (!isLost()) await held.release();
  held.signal.throwIfAborted();
  return value;
}

/** The loss, with what `fn` threw as its cause, unless that is the loss itself. */
function lostWhile({ signal }: HeldLease, error: unknown): unknown {
  const loss = signal.reason as LeaseLostError;
  return error === loss ? loss : new LeaseLostError(loss.why, loss.lease, loss.message, { cause: error });
}
