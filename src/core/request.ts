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

/** The options of a request for the lock, both for the object and for the client. */
export interface RequestOptions {
  /** How long to wait in the queue, in milliseconds up to a day, or `Infinity` for no limit. @default 0 */
  wait?: number;
  /** How long this one call stays parked at most, in ms; afterwards you still have your queue entry. @default 25000 */
  longPoll?: number;
  /** How long you have already waited, in ms. It keeps your position in the queue if the object restarts. @default 0 */
  waited?: number;
  /** A label for people, shown by `status()`; up to 512 bytes. @default none */
  owner?: string;
  /**
   * For a shared lease: how many permits of `capacity` to take.
   *
   * It needs `capacity`. If you give neither, the lease is exclusive.
   *
   * @default 1
   */
  permits?: number;
  /** For a shared lease: how many permits there are in all; `Infinity` for no limit. @default none */
  capacity?: number;
  /**
   * Names the request, so that you can repeat it after a lost reply, even from elsewhere, without a second effect.
   *
   * The same id means "this is the same call, repeated". While the request waits or its lease is live, a different
   * request with the same id is refused with `INVALID_ARGUMENT`. After the lease has ended, a request with the id gets
   * `NO_LONGER_VALID`.
   *
   * @default a random id
   */
  requestId?: string;
  /** If this lease *expires*, how long to grant nothing that conflicts with it, in ms up to a day. @default 0 */
  lockDelay?: number;
  /** Whether to take the lock from all holders, ahead of all waiters. @default false */
  steal?: boolean;
  /**
   * For a once-only job: the fingerprint of its payload, "" for none.
   *
   * A stored result is then the reply.
   *
   * @default none
   */
  once?: string;
}

/** Each option of a request, with its value if absent. An option with that value is not sent. */
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
  /** How long to wait in the queue, in milliseconds; 0 tries once. */
  wait: number;
  /** How long the caller has waited before this call, in milliseconds. */
  waited: number;
  /** How long this one call stays parked at most, in milliseconds; 25 s if absent. */
  longPoll?: number;
  /** Whether to take the lock from its holders. */
  steal: boolean;
}

/** Checks what a caller sent. Throws `INVALID_ARGUMENT` before the lock has changed. */
export function checkRequest(ttl: unknown, options: unknown, newId: () => string): LockRequest {
  return requestOf(ttl, checkOptions(options, OPTIONS), newId);
}

/** Builds a request from options whose names are already checked; checks their values. */
export function requestOf(ttl: unknown, options: Given, newId: () => string): LockRequest {
  const { wait, longPoll, waited, owner, permits, capacity, requestId, lockDelay, steal, once } = completed(options);
  const claim = checkClaim(permits, capacity);
  if (checkFlag(steal, "steal") && !claim.exclusive)
    throw invalid("steal", "`steal` takes the whole lock: leave out `permits` and `capacity`.");
  if (once !== undefined && !claim.exclusive)
    throw invalid("once", "a once-only job takes the whole lock: leave out permits and capacity.");
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

/** Options whose names are checked, but whose values are not. */
type Given = { [Option in keyof RequestOptions]?: unknown };

/** Fills in the absent options. Object spread would not do: an option given as `undefined` counts as absent. */
function completed(given: Given): Required<Given> {
  const options: Required<Given> = { ...ABSENT };
  for (const name of OPTIONS) {
    const value = given[name];
    if (value !== undefined) options[name] = value;
  }
  return options;
}

/** Turns a checked request into the options to send; `checkRequest` turns them back. */
export function optionsOf({ exclusive, permits, capacity, job, ...request }: LockRequest): RequestOptions {
  const options: Given = { ...request, ...claimOptions({ exclusive, permits, capacity }), once: onceOf(job) };
  const toSend: Given = {};
  for (const name of OPTIONS) if (options[name] !== ABSENT[name]) toSend[name] = options[name];
  return toSend as RequestOptions;
}

/** The options that describe a claim; an exclusive claim needs none. */
export function claimOptions({ exclusive, permits, capacity }: Claim): Pick<ConvertOptions, "permits" | "capacity"> {
  return exclusive ? {} : { permits, capacity };
}

/** Checks the options of a release, which may include the result of a job. */
export function checkRelease(options: unknown, newId: () => string): { requestId: string; result?: JobResult } {
  const { requestId, result } = checkOptions(options, ["requestId", "result"]);
  const checked = { requestId: checkRequestId(requestId, newId) };
  if (result === undefined) return checked;
  const { value, failed, retain } = checkOptions(result, ["value", "failed", "retain"], "result");
  return { ...checked, result: { value, failed: checkFlag(failed, "failed"), retain: checkRetain(retain) } };
}

/** The claim to convert a lease to: `permits` out of `capacity`, or exclusive if you give neither. */
export interface ConvertOptions {
  /** How many permits of `capacity` to take; needs `capacity`. @default 1 */
  permits?: number;
  /** How many permits there are in all; `Infinity` for no limit. @default none */
  capacity?: number;
  /** Names the request: repeating it has no second effect. @default a random id */
  requestId?: string;
}

/** Checks the options of a conversion. */
export function checkConversion(options: unknown, newId: () => string): { claim: Claim; requestId: string } {
  const { permits, capacity, requestId } = checkOptions(options, ["permits", "capacity", "requestId"]);
  return { claim: checkClaim(permits, capacity), requestId: checkRequestId(requestId, newId) };
}

/** Checks the options of a renewal, or of any other call whose only option is a request id. */
export function checkRequestIdOption(options: unknown, newId: () => string): string {
  return checkRequestId(checkOptions(options, ["requestId"]).requestId, newId);
}

function checkRequestId(value: unknown, newId: () => string): string {
  return value === undefined ? newId() : checkText(value, "requestId");
}
