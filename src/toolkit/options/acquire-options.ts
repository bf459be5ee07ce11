import { checkOptions, invalid } from "../../core/checks.ts";
import { LIMITS } from "../../core/limits.ts";
import { checkRequest } from "../../core/request.ts";
import type { Acquisition } from "../../hold/acquisition.ts";
import { DEFAULT_BACKOFF } from "../../transport/backoff.ts";
import { checkSignal } from "../../transport/own-request.ts";
import { newRequestId } from "../../transport/request-id.ts";
import type { ClaimRule } from "./claim-rule.ts";
import { DEFAULT_WAIT } from "./defaults.ts";

/** Polling instead of queueing: exponential backoff with full jitter. */
export interface RetryOptions {
  /** How often to ask again at most; `Infinity` for as long as `wait` lasts. @default Infinity */
  retries?: number;
  /** The bound of the first delay, in milliseconds. @default 50 */
  minTimeout?: number;
  /** The bound of every delay, in milliseconds. @default 5000 */
  maxTimeout?: number;
  /** What the bound grows by from delay to delay. @default 2 */
  factor?: number;
}

/** How to take the lock. */
export interface AcquireOptions {
  /** How long to wait, in milliseconds up to a day; `Infinity` without end. With `retry` the default is 10000. @default 0 */
  wait?: number;
  /** Aborts the waiting, not the holding: the caller leaves the queue and the call rejects with the signal's reason. @default none */
  signal?: AbortSignal;
  /** Ask again and again instead of queueing: no place in the line, and no call is kept open. @default none */
  retry?: RetryOptions;
  /** A label for people, shown by `status()`; up to 512 bytes. @default none */
  owner?: string;
  /** Permits to take out of `capacity`, and only with it: a shared lease. Without both the lease is exclusive. @default 1 */
  permits?: number;
  /** How many permits there are in all; `Infinity` for no limit. @default none */
  capacity?: number;
  /**
   * Names the request, so that you can repeat it after a lost reply, even from elsewhere, without a second effect.
   *
   * It means "this is the same call, repeated". While the request waits or its lease is live, asking for something else
   * under the same id is `INVALID_ARGUMENT`. After the lease has ended, the id gets `NO_LONGER_VALID`.
   *
   * @default a random id
   */
  requestId?: string;
  /** How long nobody who conflicts is granted after this lease *expired*, in milliseconds up to a day. @default 0 */
  lockDelay?: number;
}
export const SHARED_OPTIONS = [
  "wait",
  "signal",
  "retry",
  "owner",
  "permits",
  "capacity",
  "lockDelay",
] as const satisfies (keyof AcquireOptions)[];
const ACQUIRE_OPTIONS = [...SHARED_OPTIONS, "requestId"] as const satisfies (keyof AcquireOptions)[];
const RETRY_OPTIONS = ["retries", "minTimeout", "maxTimeout", "factor"] as const;
export function checkAcquire(ttl: number, options: AcquireOptions | null | undefined, claimOf: ClaimRule): Acquisition {
  const { signal, retry, permits, capacity, ...rest } = checkOptions(options, ACQUIRE_OPTIONS) as AcquireOptions;
  const byDefault = retry === undefined ? 0 : DEFAULT_WAIT;
  const asked = { ...rest, ...claimOf({ permits, capacity }), wait: orElse(rest.wait, byDefault) };
  const request = checkRequest(ttl, asked, newRequestId);
  return { request, signal: checkSignal(signal), poll: checkRetry(retry), named: rest.requestId !== undefined };
}

/** Not `??`: null is a mistake to be told of, and not an option that is absent. */
export function orElse<T>(value: T | undefined, absent: T): T {
  return value === undefined ? absent : value;
}

function checkRetry(retry: unknown): Acquisition["poll"] {
  if (retry === undefined) return undefined;
  if (typeof retry !== "object" || retry === null)
    throw invalid("retry", `retry must be an object of ${RETRY_OPTIONS.join(", ")}; {} takes the defaults.`);
  const { retries, minTimeout, maxTimeout, factor } = checkOptions(retry, RETRY_OPTIONS, "retry") as RetryOptions;
  return {
    retries: checkNumber(retries, "retries", 0, Number.POSITIVE_INFINITY),
    minTimeout: checkNumber(minTimeout, "minTimeout", 1, DEFAULT_BACKOFF.minTimeout),
    maxTimeout: checkNumber(maxTimeout, "maxTimeout", 1, DEFAULT_BACKOFF.maxTimeout),
    factor: checkNumber(factor, "factor", 1, DEFAULT_BACKOFF.factor),
  };
}
function checkNumber(value: number | undefined, argument: string, min: number, absent: number): number {
  if (value === undefined) return absent;
  if (value === absent || (typeof value === "number" && value >= min && value <= LIMITS.maxWait)) return value;
  const orInfinity = absent === Number.POSITIVE_INFINITY ? ", or Infinity" : "";
  throw invalid(
    `retry.${argument}`,
    `retry.${argument} must be a number from ${min} to ${LIMITS.maxWait}${orInfinity}.`,
  );
}
