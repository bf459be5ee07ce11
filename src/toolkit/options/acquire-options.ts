import { checkOptions, invalid } from "../../core/checks.ts";
import { LIMITS } from "../../core/limits.ts";
import { type RequestOptions, requestOf } from "../../core/request.ts";
import type { Acquisition } from "../../hold/acquisition.ts";
import { DEFAULT_BACKOFF } from "../../transport/backoff.ts";
import { checkSignal } from "../../transport/own-request.ts";
import { newRequestId } from "../../transport/request-id.ts";
import type { ClaimRule } from "./claim-rule.ts";
import { DEFAULT_WAIT } from "./defaults.ts";
import { type ASKED_OPTIONS, ACQUIRE_OPTIONS } from "./option-names.ts";

/** Polling instead of queueing: exponential backoff with full jitter. */
export interface RetryOptions {
  /** How often to try again at most; `Infinity` for as long as `wait` lasts. @default Infinity */
  retries?: number;
  /** The bound of the first delay, in milliseconds. @default 50 */
  minTimeout?: number;
  /** The bound of every delay, in milliseconds. @default 5000 */
  maxTimeout?: number;
  /** The factor by which the bound grows with each delay. @default 2 */
  factor?: number;
}

/** How to take the lock. */
export interface AcquireOptions extends Pick<RequestOptions, (typeof ASKED_OPTIONS)[number]> {
  /**
   * How long to wait, in milliseconds up to a day; `Infinity` for no limit. With `retry` the default is 10000.
   *
   * @default 0
   */
  wait?: number;
  /**
   * Aborts the wait, not the hold: the caller leaves the queue and the call rejects with the signal's reason.
   *
   * @default none
   */
  signal?: AbortSignal;
  /** Poll instead of queueing: there is no queue entry, and no call stays open. @default none */
  retry?: RetryOptions;
}

const RETRY_OPTIONS = ["retries", "minTimeout", "maxTimeout", "factor"] as const;

/** Checks the options for acquiring a lock. */
export function checkAcquire(ttl: number, options: AcquireOptions | null | undefined, claimOf: ClaimRule): Acquisition {
  return acquisitionOf(ttl, checkOptions(options, ACQUIRE_OPTIONS), claimOf);
}

/** Makes an acquisition from options whose names are checked. Checks their values. */
export function acquisitionOf(ttl: number, options: AcquireOptions, claimOf: ClaimRule): Acquisition {
  const { signal, retry, wait, permits, capacity, ...rest } = options;
  const byDefault = retry === undefined ? 0 : DEFAULT_WAIT;
  const asked = { ...rest, ...claimOf({ permits, capacity }), wait: orElse(wait, byDefault) };
  const request = requestOf(ttl, asked, newRequestId);
  return { request, signal: checkSignal(signal), poll: checkRetry(retry), named: rest.requestId !== undefined };
}

/** Unlike `??`, passes null on: it is a mistake, which the check that follows must see. */
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
