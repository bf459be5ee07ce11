import { accessSync, constants, statSync } from "node:fs";
import { join } from "node:path";
import { isatty } from "node:tty";

/**
 * Whether this process is started so that the end of its terminal is not to end it, as by `nohup`.
 *
 * Node resets what a process was told to ignore at its start, so that can't be asked. Under `nohup` none of the three
 * streams is a terminal.
 */
export function ignoresHangup(): boolean {
  return ![0, 1, 2].some((stream) => isatty(stream));
}

/**
 * The command line that starts a command with SIGHUP ignored, or as it is if nothing here can do that.
 *
 * Node can't: it resets all signals for what it starts.
 */
export function ignoringHangup(command: string, args: readonly string[]): [string, ...string[]] {
  // What can't be started is started as it is, so that the error is its own.
  if (command.startsWith("-") || !isFound(command)) return [command, ...args];
  // Not by a shell on Linux: Debian's drops the variables whose names it can't use, such as those with a dot.
  if (process.platform === "linux") return isFound("nohup") ? ["nohup", command, ...args] : [command, ...args];
  // Not by `nohup` on macOS: outside of a login session it refuses to start anything.
  return ["/bin/sh", "-c", 'trap "" HUP; exec "$@"', "sh", command, ...args];
}

/** Whether the system would find the program and may execute it. */
function isFound(program: string): boolean {
  if (program.includes("/")) return isExecutable(program);
  const path = process.env["PATH"] ?? "/bin:/usr/bin";
  return path.split(":").some((folder) => isExecutable(join(folder || ".", program)));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
