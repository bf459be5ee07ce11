import { isNoSqlite, noSqlite } from "../core/no-sqlite.ts";
import { isLockError, LockError } from "../errors.ts";
import type { Fault } from "./fault.ts";
import { wrongRequest } from "./own-request.ts";
import { missingMethod } from "./version-mismatch.ts";

/** Which lock was called, and where, for the error's message. */
export interface Callee {
  /** The lock's id. */
  id: string;
  /** Where the lock service is, if the call goes over HTTP. */
  url?: string | undefined;
}

/**
 * Whether to retry after this fault: by the platform's own rule, and also after a reset. Every call here is idempotent.
 */
export function isWorthRetrying(error: unknown): boolean {
  return isWorthWaitingOut(error) && !error.overloaded;
}

/** Whether a waiter asks again after this fault, an overload included: with time, an overload passes. */
export function isWorthWaitingOut(error: unknown): error is Fault {
  return isFault(error) && !isPlanLimit(error) && !isNoSqlite(error);
}

/** How long to wait after a failure, in milliseconds; 0 if the failure does not say. */
export function retryAfterOf(error: unknown): number {
  const { retryAfter } = (error ?? {}) as Partial<Fault>;
  return typeof retryAfter === "number" && retryAfter > 0 ? retryAfter : 0;
}

/**
 * What to throw for a call that failed: an outage with its cause, or the error itself if it is not an outage. `advice`
 * is one or more whole sentences to add to the message of an outage.
 */
export function failureOf(callee: Callee, error: unknown, advice?: string): unknown {
  if (isPlanLimit(error)) return planLimit(callee, error);
  if (isNoSqlite(error) && !isLockError(error)) return noSqlite(error);
  if (!isFault(error))
    return missingMethod(error) ?? wrongRequest(`The transport of lock "${callee.id}"`, error) ?? error;
  if (error.rateLimited) return tooMany(callee, error);
  const message = `Lock "${callee.id}" can't be reached: ${reasonOf(error)}. ${advice ? `${advice} ` : ""}${OUTAGE}`;
  return new LockError("UNREACHABLE", message, { cause: error, retryAfter: retryAfterOf(error) || undefined });
}

/** What to throw for a call that got neither an answer nor a fault. */
export function noAnswer({ id, url }: Callee, within: number): LockError {
  const who = url === undefined ? `The object of lock "${id}"` : `Lock "${id}" at ${url}`;
  return new LockError("UNREACHABLE", `${who} did not answer within ${Math.round(within)} ms. ${OUTAGE}`);
}

/** The message of an error, as part of a sentence. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.trim().replace(/\.$/, "");
}

const OUTAGE = "This is an outage and not contention: try again later.";

function tooMany({ id }: Callee, fault: unknown): LockError {
  const retryAfter = retryAfterOf(fault);
  const when = retryAfter > 0 ? `in ${Math.ceil(retryAfter)} ms` : "later, and less often";
  const message = `The request did not reach lock "${id}": ${reasonOf(fault)}. This is neither an outage nor contention: try again ${when}.`;
  return new LockError("RATE_LIMITED", message, { cause: fault, retryAfter: retryAfter || undefined });
}

/**
 * How Cloudflare reports that a daily limit of the free plan is used up: for Durable Objects with an exception that has
 * no flag of its own, for Workers with a page in place of the service's answer.
 */
const PLAN_LIMIT = /Exceeded allowed [\w ]+ in Durable Objects free tier|\berror code: 1027\b/i;
const DAY = 86_400_000;

function isPlanLimit(error: unknown): error is Error {
  return error instanceof Error && !isLockError(error) && PLAN_LIMIT.test(error.message);
}

function planLimit({ id }: Callee, cause: Error): LockError {
  const advice = "The limit resets at 00:00 UTC; Cloudflare's paid plan has no such limit.";
  const message = `Lock "${id}" can't be used: a daily limit of Cloudflare's free plan is reached (${reasonOf(cause)}). ${advice}`;
  return new LockError("UNREACHABLE", message, { cause, retryAfter: DAY - (Date.now() % DAY) });
}

/** The error of a call on a handle whose object has been reset (workerd of 2026-08); it has no flag. */
const HANDLE_IS_DEAD = "The execution context which hosts this callback is no longer running.";

function isReset(error: Fault): boolean {
  return error.durableObjectReset === true || error.message === HANDLE_IS_DEAD;
}

function isFault(error: unknown): error is Fault {
  // A custom transport may throw anything.
  const fault = (error ?? {}) as Fault;
  return !isLockError(error) && (fault.retryable === true || fault.overloaded === true || isReset(fault));
}
