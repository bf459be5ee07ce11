import {
  checkClaim,
  checkDuration,
  checkDurationOrZero,
  checkFlag,
  checkLongPoll,
  checkOnce,
  checkOptions,
  checkRetain,
  checkText,
  checkWait,
  checkWaited,
  invalid,
} from "./checks.ts";
import { type Claim, type LeaseSpec, jobOf, onceOf } from "./leases/lease.ts";
import type { JobResult } from "./replies.ts";

/** How a request for the lock is described, both to the object and to the client. */
export interface RequestOptions {
  /** How long to wait in the queue, in milliseconds up to a day; `Infinity` without end. @default 0 */
  wait?: number;
  /** How long this one call stays parked at most, in ms; its answer keeps the queue entry. @default 25000 */
  longPoll?: number;
  /** How long the caller has waited so far, in milliseconds: keeps its place if the object was restarted meanwhile. @default 0 */
  waited?: number;
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
  /** Take the lock from all holders, ahead of all waiters. @default false */
  steal?: boolean;
  /** For a job that runs once: the fingerprint of its payload, "" for none. A kept result is the answer then. @default none */
  once?: string;
}

/** Each option of a request, and what it is if it is absent: what is as if absent does not travel. */
const ABSENT = {
  wait: 0,
  longPoll: undefined,
  waited: 0,
  owner: undefined,
  permits: undefined,
  capacity: undefined,
  requestId: undefined,
  lockDelay: 0,
  steal: false,
  once: undefined,
} as const satisfies { [Option in keyof Required<RequestOptions>]: RequestOptions[Option] | undefined };

const OPTIONS = Object.keys(ABSENT) as (keyof RequestOptions)[];

/** A request for the lock, checked and complete. */
export interface LockRequest extends LeaseSpec {
  /** How long to wait in the queue, in milliseconds; 0 asks once. */
  wait: number;
  /** How long the caller has waited before this call, in milliseconds. */
  waited: number;
  /** How long this one call stays parked at most, in milliseconds; 25 s if absent. */
  longPoll?: number;
  /** Whether to take the lock from its holders. */
  steal: boolean;
}

/** Checks what a caller sent; throws `INVALID_ARGUMENT` and so leaves the lock untouched. */
export function checkRequest(ttl: unknown, options: unknown, newId: () => string): LockRequest {
  return requestOf(ttl, checkOptions(options, OPTIONS), newId);
}

/** The request that options of known names describe; checks their values. */
export function requestOf(ttl: unknown, options: Given, newId: () => string): LockRequest {
  const { wait, longPoll, waited, owner, permits, capacity, requestId, lockDelay, steal, once } = completed(options);
  const claim = checkClaim(permits, capacity);
  if (checkFlag(steal, "steal") && !claim.exclusive)
    throw invalid("steal", "steal takes the whole lock: leave permits and capacity out.");
  if (once !== undefined && !claim.exclusive)
    throw invalid("once", "a job that runs once takes the whole lock: leave permits and capacity out.");
  return {
    ttl: checkDuration(ttl, "ttl"),
    wait: checkWait(wait),
    waited: checkWaited(waited),
    ...(longPoll !== undefined && { longPoll: checkLongPoll(longPoll) }),
    owner: owner === undefined ? undefined : checkText(owner, "owner"),
    ...claim,
    requestId: checkRequestId(requestId, newId),
    lockDelay: checkDurationOrZero(lockDelay, "lockDelay"),
    steal: steal === true,
    job: jobOf(checkOnce(once)),
  };
}

/** Options whose names are known; their values are not checked. */
type Given = { [Option in keyof RequestOptions]?: unknown };

/** Not by spreading: an option that is given as `undefined` is absent. */
function completed(given: Given): Required<Given> {
  const options: Required<Given> = { ...ABSENT };
  for (const name of OPTIONS) {
    const value = given[name];
    if (value !== undefined) options[name] = value;
  }
  return options;
}

/** The options as which a checked request travels; `checkRequest` reads them back. */
export function optionsOf({ exclusive, permits, capacity, job, ...request }: LockRequest): RequestOptions {
  const options: Given = { ...request, ...claimOptions({ exclusive, permits, capacity }), once: onceOf(job) };
  const travelling = OPTIONS.filter((name) => options[name] !== ABSENT[name]);
  return Object.fromEntries(travelling.map((name) => [name, options[name]]));
}

/** The options that describe a claim; none for an exclusive one. */
export function claimOptions({ exclusive, permits, capacity }: Claim): Pick<ConvertOptions, "permits" | "capacity"> {
  return exclusive ? {} : { permits, capacity };
}

/** Checks the options of a release, which may bring the result of a job. */
export function checkRelease(options: unknown, newId: () => string): { requestId: string; result?: JobResult } {
  const { requestId, result } = checkOptions(options, ["requestId", "result"]);
  const checked = { requestId: checkRequestId(requestId, newId) };
  if (result === undefined) return checked;
  const { value, failed, retain } = checkOptions(result, ["value", "failed", "retain"], "result");
  return { ...checked, result: { value, failed: checkFlag(failed, "failed"), retain: checkRetain(retain) } };
}

/** What a lease is to be converted to: `permits` out of `capacity`, or exclusive without both. */
export interface ConvertOptions {
  /** Permits to take out of `capacity`, and only with it. @default 1 */
  permits?: number;
  /** How many permits there are in all, `Infinity` for no limit. @default none */
  capacity?: number;
  /** Names the request: repeating it has no second effect. @default a random id */
  requestId?: string;
}

/** Checks what a lease is to be converted to. */
export function checkConversion(options: unknown, newId: () => string): { claim: Claim; requestId: string } {
  const { permits, capacity, requestId } = checkOptions(options, ["permits", "capacity", "requestId"]);
  return { claim: checkClaim(permits, capacity), requestId: checkRequestId(requestId, newId) };
}

/** Checks the options of a renewal and of whatever else has but a request id. */
export function checkRequestIdOption(options: unknown, newId: () => string): string {
  return checkRequestId(checkOptions(options, ["requestId"]).requestId, newId);
}

function checkRequestId(value: unknown, newId: () => string): string {
  return value === undefined ? newId() : checkText(value, "requestId");
}
