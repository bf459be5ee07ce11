import { livingMembers } from "./process-table.ts";

/** The processes of a group that can still run. */
export interface Survivors {
  group: number;
  /** Empty if only the kernel's answer to a signal shows that something is alive. */
  pids: number[];
  /** The ones in `pids` that this user may not signal. */
  foreign: number[];
  /** Whether this user may signal none of them. If so, no signal from here can end them. */
  beyondReach: boolean;
}

/** Sends a signal to each process of the group that this user has permission to signal; false if there is no such process. */
export function signalGroup(group: number, signal: NodeJS.Signals): boolean {
  return signalProcess(-group, signal);
}

/** Sends a signal to a process; false if the process has ended or belongs to another user. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  return probe(pid, signal) === "reached";
}

/** Whether a process of the group can still run. A zombie, which is dead and waits to be reaped, can't. */
export function isGroupAlive(group: number): boolean {
  return survivorsOf(group) !== undefined;
}

/** The group's processes that can still run, whatever their user; undefined if there are none. */
export function survivorsOf(group: number, again = false): Survivors | undefined {
  const members = livingMembers(group);
  const answer = probe(-group, 0);
  if (answer === "gone") return undefined;
  if (!members) return { group, pids: [], foreign: [], beyondReach: answer === "denied" };
  const { living, dead } = members;
  // Look twice: a process that starts another one and ends can slip through one look at /proc.
  if (living.length === 0 && dead) return again ? undefined : survivorsOf(group, true);
  const foreign = living.filter((pid) => probe(pid, 0) === "denied");
  const beyondReach = living.length === 0 ? answer === "denied" : foreign.length === living.length;
  return { group, pids: living, foreign, beyondReach };
}

/** The name of the survivors in a message. */
export function nameSurvivors({ group, pids }: Pick<Survivors, "group" | "pids">): string {
  const [first] = pids;
  if (first === undefined) return `a process of group ${group}`;
  const more = pids.length > SHOWN ? ` and ${pids.length - SHOWN} more` : "";
  return pids.length === 1 ? `process ${first}` : `processes ${pids.slice(0, SHOWN).join(", ")}${more}`;
}

/** How many process ids a message names. */
const SHOWN = 10;

/**
 * Sends a signal; signal 0 is not delivered, but tells whether the process exists. "denied" means that it exists and
 * belongs to another user. For a process group: all its processes belong to another user.
 */
function probe(pid: number, signal: NodeJS.Signals | 0): "reached" | "gone" | "denied" {
  try {
    process.kill(pid, signal);
    return "reached";
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ESRCH") return "gone";
    if (code === "EPERM") return "denied";
    throw error;
  }
}
