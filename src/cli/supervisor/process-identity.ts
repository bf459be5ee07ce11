import { spawnSync } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";

/** One process, distinguished from every process that gets its id later. */
export interface ProcessIdentity {
  pid: number;
  /** The boot of the machine and the PID namespace in which `pid` is valid; "" where the system has no such thing. */
  boot: string;
  namespace: string;
  /** The start time, as an opaque text to compare; "" if the system does not report it. */
  started: string;
}

/** Identifies a process; undefined if it has ended. */
export function identify(pid: number): ProcessIdentity | undefined {
  const started = startOf(pid);
  return started === undefined ? undefined : { pid, ...here(), started };
}

/** Whether a process still runs; "unknown" if its id may have a new process by now, or if it is not visible here. */
export function stateOf(recorded: ProcessIdentity): "running" | "ended" | "unknown" {
  const { boot, namespace } = here();
  // A process does not outlive the boot of its machine.
  if (boot !== recorded.boot && boot !== "" && recorded.boot !== "") return "ended";
  if (namespace !== recorded.namespace) return "unknown";
  const started = startOf(recorded.pid);
  if (started === undefined) return "ended";
  if (started === "" || recorded.started === "") return "unknown";
  return started === recorded.started ? "running" : "ended";
}

/** When a process started; "" if the system does not report it, undefined if the process has ended. */
function startOf(pid: number): string | undefined {
  if (!exists(pid)) return undefined;
  if (process.platform !== "linux") return startByPs(pid);
  return isOwnProc() ? startByProc(pid) : "";
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** The start time from /proc: field 22 of `stat`, in clock ticks since the boot. */
function startByProc(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return undefined;
  }
  // The program's name comes first, in parentheses, and may contain any character. The state is field 3.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state = "", threads = "", started = ""] = [fields[0], fields[17], fields[19]];
  // A zombie with one thread has closed all of its files. With more, the other threads may still be at work.
  return "ZX".includes(state) && Number(threads) <= 1 ? undefined : started;
}

/** Without /proc, start times are whole seconds: two processes with one id and the same second look equal. */
function startByPs(pid: number): string | undefined {
  const env = { ...process.env, LC_ALL: "C", TZ: "UTC0" };
  const { error, stdout } = spawnSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], { env, encoding: "utf8" });
  if (error) return "";
  const [state = "", ...started] = stdout.trim().split(/\s+/);
  return state === "" || state.startsWith("Z") ? undefined : started.join(" ");
}

/** Inside a PID namespace, /proc may belong to the outer namespace, in which the same id is another process. */
function isOwnProc(): boolean {
  return read(() => readlinkSync("/proc/self")) === String(process.pid);
}

function here(): { boot: string; namespace: string } {
  return {
    boot: read(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()),
    namespace: isOwnProc() ? read(() => readlinkSync("/proc/self/ns/pid")) : "",
  };
}

function read(look: () => string): string {
  try {
    return look();
  } catch {
    return "";
  }
}
