import { LockError, isLockError } from "../errors.ts";

/** What workerd says if one request uses what belongs to another; the error has neither a class nor a flag of its own. */
const FOREIGN = /Cannot perform I\/O on behalf of a different (?:request|Durable Object)/;

const WHY = "A Worker ties timers, signals and calls to the request that made them";

/** What to throw if `error` says that `what` belongs to another request; undefined if it says something else. */
export function wrongRequest(what: string, error: unknown): LockError | undefined {
  if (isLockError(error) || !FOREIGN.test(String(error))) return undefined;
  return new LockError(
    "WRONG_REQUEST",
    `${what} belongs to another request. ${WHY}: make it in the request that uses it.`,
    {
      cause: error,
    },
  );
}

/** Throws `WRONG_REQUEST` if a signal that a caller gave belongs to another request. */
export function checkOwnSignal(signal: AbortSignal): AbortSignal {
  return inOwnRequest(signal, "signal", () => signal);
}

/**
 * Does something that only works in the request that made `signal`, or throws `WRONG_REQUEST`.
 *
 * Ask first, and don't wait for the platform to refuse: a promise of another request may never settle here.
 */
export function inOwnRequest<T>(signal: AbortSignal, what: string, use: () => T): T {
  throwIfForeign(signal, (error) => wrongRequest(what, error));
  return use();
}

/** Does something with a lease, or throws `WRONG_REQUEST` if another request holds it. */
export function inRequestOf<T>(signal: AbortSignal, lease: number, use: () => T): T {
  throwIfForeign(signal, (cause) => wrongRequest("", cause) && heldElsewhere(lease, cause));
  return use();
}

function throwIfForeign(signal: AbortSignal, explain: (error: unknown) => LockError | undefined): void {
  try {
    // The runtime looks whose it is; nobody else tells.
    void signal.aborted;
  } catch (error) {
    throw explain(error) ?? error;
  }
}

function heldElsewhere(lease: number, cause: unknown): LockError {
  const advice = `Take a lease in the request that uses it. To continue under this one, pass its number on and call resume(${lease}); to end it, call release(${lease}) of its lock.`;
  return new LockError("WRONG_REQUEST", `Lease ${lease} is held by another request. ${WHY}. ${advice}`, { cause });
}
