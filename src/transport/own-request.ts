import { invalid } from "../core/checks.ts";
import { isLockError, LockError } from "../errors.ts";

/** What workerd says if one request uses an object of another. The error has neither a class nor a flag of its own. */
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

/** Checks a signal that a caller gave; throws `WRONG_REQUEST` if it belongs to another request. */
export function checkSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined) return undefined;
  if (signal instanceof AbortSignal) return inOwnRequest(signal, "signal", () => signal);
  throw invalid("signal", "signal must be an AbortSignal, such as controller.signal or AbortSignal.timeout(ms).");
}

/**
 * Calls `use`, which works only in the request that made `signal`, or throws `WRONG_REQUEST`.
 *
 * Check before the call instead of waiting for the platform to refuse: a promise of another request may never settle.
 */
export function inOwnRequest<T>(signal: AbortSignal, what: string, use: () => T): T {
  throwIfForeign(signal, (error) => wrongRequest(what, error));
  return use();
}

/** Calls `use`, which needs a lease, or throws `WRONG_REQUEST` if another request holds it. */
export function inRequestOf<T>(signal: AbortSignal, lease: number, use: () => T): T {
  throwIfForeign(signal, (cause) => wrongRequest("", cause) && heldElsewhere(lease, cause));
  return use();
}

function throwIfForeign(signal: AbortSignal, explain: (error: unknown) => LockError | undefined): void {
  const error = foreignError(signal);
  if (error !== undefined) throw explain(error) ?? error;
}

/** What the runtime throws if the signal belongs to another request; there is no other way to find out. */
function foreignError(signal: AbortSignal): unknown {
  try {
    void signal.aborted;
    return undefined;
  } catch (error) {
    return error;
  }
}

function heldElsewhere(lease: number, cause: unknown): LockError {
  const advice = `Take a lease in the request that uses it. To continue under this one, pass its number on and call resume(${lease}) on its lock; to end it, call release(${lease}) on its lock.`;
  return new LockError("WRONG_REQUEST", `Lease ${lease} is held by another request. ${WHY}. ${advice}`, { cause });
}

/**
 * Identifies the Worker request that made it or, outside of Workers, the whole process.
 *
 * It is an `AbortSignal`, because workerd lets only the request that made a signal read it.
 */
export type RequestMark = AbortSignal;

export function markRequest(): RequestMark {
  return new AbortController().signal;
}

/** Whether this code runs in the request that the mark was made in. */
export function isThisRequest(mark: RequestMark): boolean {
  return foreignError(mark) === undefined;
}
