import {
  LIMITS,
  checkDuration,
  checkDurationOrZero,
  checkFlag,
  checkMaxHold,
  checkOptions,
  checkText,
  checkWait,
  invalid,
} from "../core/limits.ts";
import { type LockRequest, checkRequest } from "../core/request.ts";
import type { ClaimRule } from "./claims.ts";
import type { HeldLease } from "./held-lease.ts";
import type { Lock } from "./lock.ts";
import { checkOwnSignal } from "./own-request.ts";
import { type Backoff, DEFAULT_BACKOFF } from "./retry.ts";

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

/** How to hold the lock. Each call is a request of its own: to continue under a lease that you know, use `resume`. */
export interface HoldOptions extends Omit<AcquireOptions, "requestId"> {
  /** How long to wait, in milliseconds up to a day; `Infinity` without end. @default 10000 */
  wait?: number;
  /** The lease, in milliseconds up to a day, renewed at a third of it: how soon others get on if this holder dies. @default 30000 */
  ttl?: number;
  /** The longest hold in all, in milliseconds up to a day, or `Infinity`: no renewal goes beyond it. @default Infinity */
  maxHold?: number;
  /** The shortest hold, in milliseconds up to a day: released earlier, the lock stays taken until then. @default 0 */
  minHold?: number;
  /**
   * Free the lock as soon as this execution context ends, crashed or forgotten, and not only after the ttl.
   *
   * If the lease can't be bound within 5 s it is given back, and `UNREACHABLE` is thrown; `resume` leaves it as it was.
   * Costs: one request more, and the object stays in memory, billed, while you hold. Risks: a connection that is cut
   * looks like a death, and the next holder may come before `signal` fires, so let the resource check the fencing token.
   * Can't be had together with `minHold`.
   *
   * @default false
   * @example
   * ```ts
   * await lock.withLock(work, { ttl: 600_000, bound: true });
   * ```
   */
  bound?: boolean;
  /** Called once if somebody asks for the lock with `requestRelease`: at once if bound, else with the next renewal. What it throws is logged. @default none */
  onReleaseRequested?: (held: HeldLease) => void;
}

const SHARED_OPTIONS = [
  "wait",
  "signal",
  "retry",
  "owner",
  "permits",
  "capacity",
  "lockDelay",
] as const satisfies (keyof HoldOptions)[];
const ACQUIRE_OPTIONS = [...SHARED_OPTIONS, "requestId"] as const satisfies (keyof AcquireOptions)[];
export const HOLD_OPTIONS = [
  ...SHARED_OPTIONS,
  "ttl",
  "maxHold",
  "minHold",
  "bound",
  "onReleaseRequested",
] as const satisfies (keyof HoldOptions)[];
const TRY_OPTIONS = HOLD_OPTIONS.filter((option) => option !== "wait" && option !== "retry");
const RETRY_OPTIONS = ["retries", "minTimeout", "maxTimeout", "factor"] as const;
const RESUME_OPTIONS = ["ttl", "maxHold", "minHold", "bound", "onReleaseRequested"] as const;

const DEFAULT_TTL = 30_000;
const DEFAULT_WAIT = 10_000;

/** A checked way to acquire. */
export interface Acquisition {
  request: LockRequest;
  signal: AbortSignal | undefined;
  poll: (Backoff & { retries: number }) | undefined;
  /** Whether the caller named the request and so can repeat it. */
  named: boolean;
}

/** A checked way to acquire and hold. */
export interface Holding extends Acquisition {
  bounds: HoldBounds;
}

/** Checked terms of a hold. */
export interface HoldBounds {
  ttl: number;
  maxHold: number;
  minHold: number;
  bound: boolean;
  onReleaseRequested: ((held: HeldLease) => void) | undefined;
}

export function checkId(id: unknown): string {
  return checkText(id, "id");
}

/** A binding that is missing or misspelt is undefined at run time, whatever `Env` says. */
export function checkNamespace<T extends object>(namespace: T, className: string): T {
  const isNamespace = typeof (namespace as { getByName?: unknown } | undefined)?.getByName === "function";
  if (isNamespace) return namespace;
  const message = `namespace must be the binding of the ${className} class: is it in your Wrangler configuration, by this name?`;
  throw invalid("namespace", message);
}

export function isLock(value: unknown): value is Lock {
  return typeof value === "object" && value !== null && "primitives" in value;
}

export function checkLock(lock: unknown): Lock {
  if (isLock(lock)) return lock;
  throw invalid("lock", "lock must be a lock, such as useDurableLock(env.DURABLE_LOCK, id).");
}

export function checkAcquire(ttl: number, options: AcquireOptions | null | undefined, claimOf: ClaimRule): Acquisition {
  const { signal, retry, permits, capacity, ...rest } = checkOptions(options, ACQUIRE_OPTIONS) as AcquireOptions;
  const byDefault = retry === undefined ? 0 : DEFAULT_WAIT;
  const asked = { ...rest, ...claimOf({ permits, capacity }), wait: orElse(rest.wait, byDefault) };
  const request = checkRequest(ttl, asked, newRequestId);
  return { request, signal: checkSignal(signal), poll: checkRetry(retry), named: rest.requestId !== undefined };
}

export function checkHold(options: HoldOptions | undefined, claimOf: ClaimRule): Holding {
  const checked = checkCombined(options, HOLD_OPTIONS) as HoldOptions;
  const { ttl, maxHold, minHold, bound, onReleaseRequested, ...rest } = checked;
  const bounds = checkBounds({ ttl, maxHold, minHold, bound, onReleaseRequested });
  const ttlAtFirst = Math.min(bounds.ttl, bounds.maxHold);
  return { ...checkAcquire(ttlAtFirst, { ...rest, wait: orElse(rest.wait, DEFAULT_WAIT) }, claimOf), bounds };
}

export function checkTryHold(options: TryOptions | undefined, claimOf: ClaimRule): Holding {
  return checkHold({ ...(checkCombined(options, TRY_OPTIONS) as TryOptions), wait: 0 }, claimOf);
}

export function checkResume(options: ResumeOptions | undefined): HoldBounds {
  return checkBounds(checkCombined(options, RESUME_OPTIONS));
}

/**
 * The options of a combinator. Refuses `requestId`: two calls with one id would run under one lease, and the second
 * would keep running after the first has released it.
 */
export function checkCombined(options: unknown, known: readonly string[]): Record<string, unknown> {
  if (typeof options === "object" && options !== null && "requestId" in options)
    throw invalid(
      "requestId",
      "requestId is no option here: each call makes its own. Use acquire(ttl, { requestId }) to repeat a request, and resume(lease) to go on under a lease that you know.",
    );
  return checkOptions(options, known);
}

export const newRequestId = () => crypto.randomUUID();

/** Checked before the lock is taken: a slip must not cost anybody a lease. */
export function checkWork(fn: unknown): void {
  if (typeof fn !== "function") throw invalid("fn", "fn must be a function: the work to do under the lock.");
}

/** How to repeat a renewal or release. */
export interface RepeatOptions {
  /** Names the request, so that repeating it has no second effect. @default a random id */
  requestId?: string;
}

/** How to try for the lock without waiting. */
export type TryOptions = Omit<HoldOptions, "wait" | "retry">;

/** How to take over a lease. */
export type ResumeOptions = Pick<HoldOptions, "ttl" | "maxHold" | "minHold" | "bound" | "onReleaseRequested">;

/** Checks how to wait where there is nothing to hold. */
export function checkWaiting(options: unknown): { wait: number; signal: AbortSignal | undefined } {
  const { wait, signal } = checkOptions(options, ["wait", "signal"]);
  return { wait: wait === undefined ? DEFAULT_WAIT : checkWait(wait), signal: checkSignal(signal) };
}

type Loose<T> = { [K in keyof T]?: T[K] | undefined };

function checkBounds({ ttl, maxHold, minHold, bound, onReleaseRequested }: Loose<HoldBounds>): HoldBounds {
  const bounds = {
    ttl: ttl === undefined ? DEFAULT_TTL : checkDuration(ttl, "ttl"),
    maxHold: maxHold === undefined ? Number.POSITIVE_INFINITY : checkMaxHold(maxHold),
    minHold: minHold === undefined ? 0 : checkDurationOrZero(minHold, "minHold"),
    bound: checkFlag(bound, "bound"),
    onReleaseRequested: checkCallback(onReleaseRequested, "onReleaseRequested"),
  };
  if (bounds.minHold > bounds.maxHold)
    throw invalid("minHold", `minHold (${minHold}) must not be above maxHold (${maxHold}).`);
  if (bounds.bound && bounds.minHold > 0)
    throw invalid("bound", "bound frees the lock as soon as possible, minHold does not: leave one of them out.");
  return bounds;
}

function checkCallback<T>(callback: T | undefined, argument: string): T | undefined {
  if (callback === undefined || typeof callback === "function") return callback;
  throw invalid(argument, `${argument} must be a function.`);
}

/** Not `??`: null is a mistake to be told of, and not an option that is absent. */
function orElse<T>(value: T | undefined, absent: T): T {
  return value === undefined ? absent : value;
}

export function checkSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined) return undefined;
  if (signal instanceof AbortSignal) return checkOwnSignal(signal);
  throw invalid("signal", "signal must be an AbortSignal, such as controller.signal or AbortSignal.timeout(ms).");
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
