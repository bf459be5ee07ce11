import type { Claim } from "../core/leases/lease.ts";
import type { JobResult } from "../core/replies.ts";
import type { LockRequest, RequestOptions } from "../core/request.ts";
import type { Unkeepable } from "../core/results/unkeepable.ts";
import { type WireNumber, fromWireNumber, toWireNumber } from "./numbers.ts";
import { type WireResult, fromWireResult, toWireResult } from "./result-codec.ts";

/** What of a lock is asked for, in JSON; exclusive without both. */
export interface ClaimBody {
  permits?: number | undefined;
  capacity?: WireNumber | undefined;
}

/** The body of an acquire. */
export interface AcquireBody extends ClaimBody {
  ttl: number;
  wait?: WireNumber | undefined;
  longPoll?: number | undefined;
  waited?: number | undefined;
  owner?: string | undefined;
  requestId?: string | undefined;
  lockDelay?: number | undefined;
  steal?: boolean | undefined;
  once?: string | undefined;
}

/** The body of a release. */
export interface ReleaseBody {
  lease: number;
  requestId?: string | undefined;
  result?: (WireResult & { failed?: boolean | undefined; retain: number }) | undefined;
}

/** To JSON. */
export function toAcquireBody(request: LockRequest): AcquireBody {
  const { ttl, wait, longPoll, waited, owner, requestId, lockDelay, steal, once } = request;
  return {
    ttl,
    requestId,
    ...toClaimBody(request),
    ...(wait > 0 && { wait: toWireNumber(wait), longPoll, waited }),
    ...(owner !== undefined && { owner }),
    ...(lockDelay > 0 && { lockDelay }),
    ...(steal && { steal }),
    ...(once !== undefined && { once }),
  };
}

/** From JSON, still to be checked by `checkRequest`. */
export function fromAcquireBody({ wait, permits, capacity, ...rest }: Omit<AcquireBody, "ttl">): RequestOptions {
  const waiting = wait === undefined ? undefined : fromWireNumber(wait);
  return { ...defined({ ...rest, wait: waiting }), ...fromClaimBody({ permits, capacity }) };
}

/** To JSON. */
export function toClaimBody({ exclusive, permits, capacity }: Claim): ClaimBody {
  return exclusive ? {} : { permits, capacity: toWireNumber(capacity) };
}

/** From JSON, still to be checked. */
export function fromClaimBody({ permits, capacity }: ClaimBody): { permits?: number; capacity?: number } {
  return defined({ permits, capacity: capacity === undefined ? undefined : fromWireNumber(capacity) });
}

type ResultBody = NonNullable<ReleaseBody["result"]>;

/** To JSON, or why no result may be so. */
export function toResult({ value, ...rest }: JobResult): ResultBody | Unkeepable {
  const carried = toWireResult(value);
  return "reason" in carried ? carried : { ...carried, ...rest };
}

/** From JSON, or why it is no result. */
export function fromResult({ failed, retain, ...carried }: ResultBody): JobResult | Unkeepable {
  const read = fromWireResult(carried);
  return "reason" in read ? read : { ...read, failed: failed === true, retain };
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function defined<T extends object>(options: T): Defined<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Defined<T>;
}
