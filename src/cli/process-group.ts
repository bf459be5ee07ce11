import { readFileSync, readdirSync } from "node:fs";

/** Sends a signal to every process of the group; false if there is none. */
export function signalGroup(group: number, signal: NodeJS.Signals): boolean {
  return signalProcess(-group, signal);
}

/** Sends a signal to a process; false if it has ended. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    // macOS says EPERM of a group in which only zombies are left.
    if (["ESRCH", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) return false;
    throw error;
  }
}

/** Whether a process of the group can still run: one that is dead and waits to be reaped, as long as that may take, can't. */
export function isGroupAlive(group: number): boolean {
  try {
    process.kill(-group, 0);
  } catch {
    return false;
  }
  return process.platform !== "linux" || hasLivingMember(group);
}

function hasLivingMember(group: number): boolean {
  return readdirSync("/proc").some((entry) => /^\d+$/.test(entry) && isLivingMember(entry, group));
}

function isLivingMember(pid: string, group: number): boolean {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return false;
  }
  // The name of the program comes before, in parentheses, and may hold anything.
  const [state = "", , itsGroup] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(itsGroup) === group && !"ZX".includes(state);
}
