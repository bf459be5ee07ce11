import type { GrantReply, RecordedResult } from "../core/replies.ts";
import type { WireResult } from "./result-codec.ts";
import type { WireStatus } from "./status.ts";

/** A grant or renewal, as the service answers it. */
export type GrantedAnswer = Omit<GrantReply, "success">;

/** What a job that ran once came to, as the service answers it. */
export interface RecordedAnswer {
  recorded: WireResult & Omit<RecordedResult, "value">;
}

/** Whether a body has the number of a lease. */
export function hasLease(body: object): body is { lease: number } {
  return "lease" in body && Number.isSafeInteger(body.lease) && (body.lease as number) > 0;
}

/** Whether it is a grant or renewal. */
export function isGranted(body: object): body is GrantedAnswer {
  const { deadline, validFor } = body as Partial<GrantedAnswer>;
  return hasLease(body) && Number.isFinite(deadline) && Number.isFinite(validFor);
}

/** Whether it is an answer to an acquire. */
export function isAcquired(body: object): body is GrantedAnswer | RecordedAnswer {
  if (!("recorded" in body)) return isGranted(body);
  const { recorded } = body as { recorded: Partial<RecordedResult> | null };
  return typeof recorded?.failed === "boolean" && hasLease(recorded);
}

/** Whether it says that something was done, by this name. */
export function isDone<K extends string>(name: K): (body: object) => body is Record<K, true> {
  return (body): body is Record<K, true> => (body as Record<string, unknown>)[name] === true;
}

/** Whether it is a snapshot of a lock. */
export function isStatus(body: object): body is WireStatus {
  const { locked, holders, waiters } = body as Partial<WireStatus>;
  return typeof locked === "boolean" && Array.isArray(holders) && Array.isArray(waiters);
}
