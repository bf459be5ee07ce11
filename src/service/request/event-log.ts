import type { ProblemReason } from "../../wire/problem.ts";

/** An event that an operator may have to investigate later. */
interface ServiceEvent {
  event: "forced-release" | "steal" | "token-refused";
  /** The name of the token; null if the token is unknown. */
  tokenName: string | null;
  /** The id of the lock; null if the call was not about one. */
  lock: string | null;
  /** The lease that was stolen, or the number of the forced release. */
  lease?: number;
  /** With `token-refused`: why. */
  reason?: ProblemReason;
}

/** Logs an event as one line of JSON; never a token, a request id or a body. */
export function logEvent(event: ServiceEvent): void {
  console.log(JSON.stringify({ ...event, time: new Date().toISOString() }));
}
