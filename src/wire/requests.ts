import type { Claim } from "../core/leases/lease.ts";
import type { JobResult } from "../core/replies.ts";
import { type LockRequest, claimOptions, optionsOf } from "../core/request.ts";
import type { ResultRefusal } from "../core/results/result-refusal.ts";
import { toWireNumber } from "./numbers.ts";
import { type WireResult, fromWireResult, toWireResult } from "./result-codec.ts";

/** The result in the body of a release. */
export type ResultBody = WireResult & { failed?: boolean | undefined; retain: number };

/** The body of an acquire. The service's schema lists and reads each option. */
export function toAcquireBody(request: LockRequest): object {
  return toBody({ ttl: request.ttl, ...optionsOf(request) });
}

/** The claim, in the body of a conversion. */
export function toClaimBody(claim: Claim): object {
  return toBody(claimOptions(claim));
}

/** Options in JSON, where `Infinity` is a word. */
function toBody(options: object): object {
  const fields = Object.entries(options) as [string, unknown][];
  return Object.fromEntries(
    fields.map(([name, value]) => [name, typeof value === "number" ? toWireNumber(value) : value]),
  );
}

/** To JSON, or the reason why it can't be a result. */
export function toResult({ value, ...rest }: JobResult): ResultBody | ResultRefusal {
  const carried = toWireResult(value);
  return "reason" in carried ? carried : { ...carried, ...rest };
}

/** From JSON, or the reason why it is not a result. */
export function fromResult({ failed, retain, ...carried }: ResultBody): JobResult | ResultRefusal {
  const read = fromWireResult(carried);
  return "reason" in read ? read : { ...read, failed: failed === true, retain };
}
