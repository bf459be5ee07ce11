import { type ChildProcess, type SpawnOptions, execFileSync, spawn } from "node:child_process";
import { join } from "node:path";

/** The command line as it is shipped: `npm run build` first. */
export const PROGRAM = join(import.meta.dirname, "../../dist/cli.js");

/** How a run of the program ended. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface ProgramOptions extends SpawnOptions {
  /** Options of Node. */
  nodeArgs?: string[];
  /** A program that becomes this one, with its arguments. */
  launcher?: readonly string[];
  /** Runs the program in a new terminal, as the only child of the `script` that makes the terminal. */
  terminal?: boolean;
}

/** The program while it runs. */
export class Program {
  readonly child: ChildProcess;
  readonly exit: Promise<Exit>;
  stdout = "";
  stderr = "";

  constructor(
    args: readonly string[],
    { nodeArgs = [], launcher = [], terminal = false, ...options }: ProgramOptions = {},
  ) {
    const line = [...launcher, process.execPath, ...nodeArgs, PROGRAM, ...args];
    const [command = "", ...all] = terminal ? ["script", "-qefc", `exec ${quote(line)}`, "/dev/null"] : line;
    this.child = spawn(command, all, { stdio: "pipe", ...options });
    this.child.stdout?.on("data", (chunk: Buffer) => (this.stdout += String(chunk)));
    this.child.stderr?.on("data", (chunk: Buffer) => (this.stderr += String(chunk)));
    const { promise, resolve } = Promise.withResolvers<Exit>();
    // Not "close": a pipe that a surviving grandchild holds open must not hide that the program has ended.
    this.child.once("exit", (code, signal) =>
      setImmediate(() => resolve({ code, signal, stdout: this.stdout, stderr: this.stderr })),
    );
    this.exit = promise;
  }

  /** Waits for a condition to become true while the program runs. */
  async until<T>(what: string, look: () => T | Promise<T>): Promise<NonNullable<T>> {
    try {
      return await until(what, async () => {
        const seen = await look();
        if (!seen && (this.child.exitCode ?? this.child.signalCode) !== null)
          throw new Error(`It has ended before: ${what}.`);
        return seen;
      });
    } catch (error) {
      throw new Error(`${String(error)} stderr: ${this.stderr}`, { cause: error });
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }
}

/** The process id of the only child of a process. */
export function childOf(pid: number | undefined): number {
  return Number(execFileSync("ps", ["-o", "pid=", "--ppid", String(pid)], { encoding: "utf8" }));
}

function quote(line: readonly string[]): string {
  return line.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
}

/** Waits for a condition for up to half a minute. */
export async function until<T>(what: string, look: () => T | Promise<T>): Promise<NonNullable<T>> {
  for (const since = performance.now(); performance.now() < since + 30_000;) {
    const seen = await look();
    if (seen) return seen;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`It did not become true within 30 s: ${what}.`);
}
