import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { killGroup } from "./kill.ts";

/** A child process of the run. */
export interface Child {
  process: ChildProcess;
  /** Fulfils when the process has ended. */
  gone: Promise<unknown>;
  signal: (signal: NodeJS.Signals) => void;
  kill: () => Promise<unknown>;
}

/** Every child process of a run. None is left when this process ends, however it ends. */
export class Children implements AsyncDisposable {
  readonly #alive = new Set<Child>();
  readonly #reaper: ChildProcess;

  constructor(folder: string) {
    // Even SIGKILL of this process must leave nothing behind, so another process has to clean up.
    this.#reaper = spawn(process.execPath, [join(import.meta.dirname, "reaper.ts"), folder], {
      detached: true,
      stdio: ["pipe", "ignore", "inherit"],
    });
    process.once("exit", this.#onExit);
  }

  readonly #onExit = () => {
    for (const {
      process: { pid },
    } of this.#alive)
      if (pid !== undefined) killGroup(pid, "SIGKILL");
  };

  /** Starts a process as the leader of its own group. */
  start(command: string, args: string[], options: SpawnOptions): Child {
    const child = spawn(command, args, { ...options, detached: true });
    const { pid } = child;
    if (pid === undefined) throw new Error(`${command} could not be started.`);
    this.#tell(`+${pid}`);
    const gone = once(child, "exit").then(() => {
      this.#alive.delete(started);
      this.#tell(`-${pid}`);
    });
    const signal = (name: NodeJS.Signals) => killGroup(pid, name);
    const kill = () => {
      signal("SIGKILL");
      return gone;
    };
    const started: Child = { process: child, gone, signal, kill };
    this.#alive.add(started);
    return started;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(Array.from(this.#alive, ({ kill }) => kill()));
    this.#reaper.stdin?.end();
    await once(this.#reaper, "exit");
    process.off("exit", this.#onExit);
  }

  #tell(line: string): void {
    this.#reaper.stdin?.write(`${line}\n`);
  }
}
