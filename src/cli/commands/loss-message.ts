import { isLockError } from "../../client.ts";
import { nameSurvivors } from "../supervisor/process-group.ts";
import { type SupervisedEnding, FORCED_GRACE } from "../supervisor/supervise.ts";
import { showDuration } from "../terminal/duration.ts";

/** The limits of the run. */
interface Bounds {
  spec: { ttl: number };
  grace: number;
  maxHold: number | undefined;
  /** Why the last renewal failed; undefined if it did not. */
  fault: unknown;
}

/** Why the lease was lost while a command ran, what was stopped, and what could not be stopped. */
export function lossMessage(ending: SupervisedEnding, error: unknown, bounds: Bounds): string {
  const why = isLockError(error, "LEASE_LOST") ? error.why : undefined;
  const { grace, maxHold, fault } = bounds;
  const because = fault === undefined ? "" : ` (${messageOf(fault)})`;
  if (maxHold !== undefined && why !== "superseded" && isAtMaxHold(ending, bounds, maxHold))
    return `The lock was held for as long as --max-hold allows (${showDuration(maxHold)}), so ${stopped(ending)}.`;
  if (why === "superseded") return `Somebody ended the lease, so ${stopped(ending, within(FORCED_GRACE))}.`;
  if (why === "expired") return `The lease ran out before it was renewed, so ${stopped(ending)}.`;
  if (ending.stopped === undefined) return `The lease was lost while the command ran${because}.`;
  const spare = `, with ${showDuration(grace)} to spare, before the lease could pass on`;
  return `No renewal was confirmed${because}, so ${stopped(ending, ending.stopped === "doubt" ? spare : "")}.`;
}

/** Says what `run` stopped of the command; `how` follows if it stopped everything. */
export function stopped({ left }: SupervisedEnding, how = ""): string {
  if (!left) return `the command was stopped${how}`;
  return `the command was stopped except for ${nameSurvivors(left)}, which could not be stopped and may overlap with the next holder`;
}

/** The message of a fault, as part of a sentence. */
function messageOf(fault: unknown): string {
  return (fault instanceof Error ? fault.message : String(fault)).replace(/\.$/, "");
}

function within(time: number): string {
  return ` within ${showDuration(time)}`;
}

/** Whether --max-hold ended the run. Nothing renews the lease near that limit, so the grace begins before it. */
function isAtMaxHold({ heldFor }: SupervisedEnding, { spec, grace }: Bounds, maxHold: number): boolean {
  return heldFor >= maxHold - grace - longestMargin(Math.min(spec.ttl, maxHold));
}

/** How long before the end of a lease the client counts it as lost, at most, in milliseconds. */
export function longestMargin(ttl: number): number {
  return ttl / 10;
}
