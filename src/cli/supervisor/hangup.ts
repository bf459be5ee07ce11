import { accessSync, constants, statSync } from "node:fs";
import { join } from "node:path";
import { isatty } from "node:tty";

/**
 * Whether this process must survive the end of its terminal, as under `nohup`.
 *
 * Node resets the ignored signals at its start, so this process can't ask whether SIGHUP was ignored. It looks at the
 * streams instead: under `nohup` none of the three is a terminal.
 */
export function ignoresHangup(): boolean {
  return ![0, 1, 2].some((stream) => isatty(stream));
}

/**
 * The command line that starts a command with SIGHUP ignored, or the command itself if no program here can do that.
 *
 * Node can't ignore SIGHUP for its children: it resets all signals for what it starts.
 */
export function ignoringHangup(command: string, args: readonly string[]): [string, ...string[]] {
  // Start a command that can't be found without a wrapper, so that the error is about the command.
  if (command.startsWith("-") || !isFound(command)) return [command, ...args];
  // Don't use a shell on Linux: Debian's shell drops variables whose names it can't use, such as those with a dot.
  if (process.platform === "linux") return isFound("nohup") ? ["nohup", command, ...args] : [command, ...args];
  // Don't use `nohup` on macOS: outside of a login session it refuses to start anything.
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
