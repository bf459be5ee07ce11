import { readdirSync, readFileSync, readlinkSync } from "node:fs";

let trusted: boolean | undefined;

/** The living processes of a group, from /proc; undefined if /proc can't be trusted. */
export function livingMembers(group: number): Members | undefined {
  trusted ??= isTrusted();
  if (!trusted) return undefined;
  const members = readdirSync("/proc").flatMap((entry) => (/^\d+$/.test(entry) ? membersOf(entry, group) : []));
  return {
    living: members.filter(({ alive }) => alive).map(({ pid }) => pid),
    dead: members.some((one) => !one.alive),
  };
}

/** What /proc shows of a group. */
interface Members {
  living: number[];
  /** Whether it also shows a zombie: a dead process that waits to be reaped. */
  dead: boolean;
}

/**
 * Whether /proc shows this process and the processes of all users.
 *
 * A process in its own PID namespace may see the /proc of the outer namespace, in which every id is another process.
 * With `hidepid`, /proc hides the processes of other users.
 */
function isTrusted(): boolean {
  try {
    if (readlinkSync("/proc/self") !== String(process.pid)) return false;
    // NSpid has one number for each nested namespace. More than one means that /proc belongs to an outer one, even if
    // the pid above matched by chance.
    if (/^NSpid:\t\d+\t/m.test(readFileSync("/proc/self/status", "latin1"))) return false;
    return !/ \/proc .* - proc \S+ \S*hidepid=(?!0|off)/.test(readFileSync("/proc/self/mountinfo", "latin1"));
  } catch {
    return false;
  }
}

function membersOf(entry: string, group: number): Process[] {
  try {
    const one = parseStat(readFileSync(`/proc/${entry}/stat`, "latin1"));
    return one.group === group ? [one] : [];
  } catch {
    return [];
  }
}

interface Process {
  pid: number;
  group: number;
  alive: boolean;
}

/** Reads `/proc/PID/stat`. */
export function parseStat(stat: string): Process {
  // The program's name is in parentheses, and may contain any character.
  const [state = "", , group, ...more] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const threads = Number(more[14]);
  // The first thread of a program can end, and appears as dead, while the other threads still run.
  return { pid: Number.parseInt(stat), group: Number(group), alive: !"ZX".includes(state) || threads > 1 };
}
