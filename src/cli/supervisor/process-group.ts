import { livingMembers } from "./process-table.ts";

/** What of a process group can still run. */
export interface Survivors {
  group: number;
  /** Empty if only the kernel's answer to a signal shows that something lives. */
  pids: number[];
  /** Those of them that this user may not signal. */
  foreign: number[];
  /** Whether this user may signal none of them, so that no signal from here can end them. */
  beyondReach: boolean;
}

/** Sends a signal to every process of the group that this user may signal; false if there is none. */
export function signalGroup(group: number, signal: NodeJS.Signals): boolean {
  return signalProcess(-group, signal);
}

/** Sends a signal to a process; false if it has ended, or is another user's. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  return probe(pid, signal) === "reached";
}

/** Whether a process of the group can still run: one that is dead and waits to be reaped can't. */
export function isGroupAlive(group: number): boolean {
  return survivorsOf(group) !== undefined;
}

/** The processes of the group, of any user, that can still run; undefined if there are none. */
export function survivorsOf(group: number, again = false): Survivors | undefined {
  const members = livingMembers(group);
  const answer = probe(-group, 0);
  if (answer === "gone") return undefined;
  if (!members) return { group, pids: [], foreign: [], beyondReach: answer === "denied" };
  const { living, dead } = members;
  // A process that starts another and ends can slip through one look at /proc.
  if (living.length === 0 && dead) return again ? undefined : survivorsOf(group, true);
  const foreign = living.filter((pid) => probe(pid, 0) === "denied");
  const beyondReach = living.length === 0 ? answer === "denied" : foreign.length === living.length;
  return { group, pids: living, foreign, beyondReach };
}

/** How survivors are named in a message. */
export function nameSurvivors({ group, pids }: Pick<Survivors, "group" | "pids">): string {
  const [first] = pids;
  if (first === undefined) return `a process of group ${group}`;
  const more = pids.length > SHOWN ? ` and ${pids.length - SHOWN} more` : "";
  return pids.length === 1 ? `process ${first}` : `processes ${pids.slice(0, SHOWN).join(", ")}${more}`;
}

/** How many process ids a message names. */
const SHOWN = 10;

/** How the kernel answers a signal; 0 only asks. For a group, "denied" means that it lives and this user may signal none of it. */
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
