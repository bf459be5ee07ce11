import type { GrantReply, RecordedResult } from "../core/replies.ts";
import type { WireResult } from "./result-codec.ts";
import type { WireStatus } from "./status.ts";

/** The service's answer to a grant or renewal. */
export type GrantedAnswer = Omit<GrantReply, "success">;

/** The service's answer with the recorded result of a once-only job. */
export interface RecordedAnswer {
  recorded: WireResult & Omit<RecordedResult, "value">;
}

/** Whether a body has a lease number. */
export function hasLease(body: object): body is { lease: number } {
  return "lease" in body && Number.isSafeInteger(body.lease) && (body.lease as number) > 0;
}

/** Whether a body is a grant or renewal. */
export function isGranted(body: object): body is GrantedAnswer {
  const { deadline, validFor } = body as Partial<GrantedAnswer>;
  return hasLease(body) && Number.isFinite(deadline) && Number.isFinite(validFor);
}

/** Whether a body is an answer to an acquire. */
export function isAcquired(body: object): body is GrantedAnswer | RecordedAnswer {
  if (!("recorded" in body)) return isGranted(body);
  const { recorded } = body as { recorded: Partial<RecordedResult> | null };
  return typeof recorded?.failed === "boolean" && hasLease(recorded);
}

/** Whether a body confirms a call: its field `name` is true. */
export function isDone<K extends string>(name: K): (body: object) => body is Record<K, true> {
  return (body): body is Record<K, true> => (body as Record<string, unknown>)[name] === true;
}

/** Whether a body is the status of a lock. */
export function isStatus(body: object): body is WireStatus {
  const { locked, holders, waiters } = body as Partial<WireStatus>;
  return typeof locked === "boolean" && Array.isArray(holders) && Array.isArray(waiters);
}
