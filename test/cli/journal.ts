import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Program } from "./program.ts";

/** What a command under the lock wrote. */
interface Entry {
  lease: number;
  pid: number;
  at: number;
  event: "alive" | "SIGTERM" | "SIGINT" | "SIGUSR1";
}

/** Writes a line every 10 ms until the stop file exists. It only records the signals that it should ignore. */
const COMMAND = `
import { appendFileSync, existsSync } from "node:fs";
const [log, stop, ...ignored] = process.argv.slice(2);
const write = (event) => appendFileSync(log, JSON.stringify({ lease: Number(process.env.LOCK_LEASE), pid: process.pid, at: Date.now(), event }) + "\\n");
for (const signal of ignored) process.on(signal, () => write(signal));
setInterval(() => existsSync(stop) ? process.exit(0) : write("alive"), 10);
`;

/** The log of the commands that ran under one lock. */
export class Journal {
  readonly #log: string;
  readonly #stop: string;
  readonly #script: string;

  constructor(folder: string, name: string) {
    this.#log = join(folder, `${name}.log`);
    this.#stop = join(folder, `${name}.stop`);
    this.#script = join(folder, "alive.mjs");
    // Written once, because a command of another test may be about to read it.
    if (!existsSync(this.#script)) writeFileSync(this.#script, COMMAND);
  }

  /** The command, to be put after `--`. */
  command(...ignored: NodeJS.Signals[]): string[] {
    return [process.execPath, this.#script, this.#log, this.#stop, ...ignored];
  }

  /** The command as a grandchild of the caller that runs it, in the same process group. */
  grandchild(...ignored: NodeJS.Signals[]): string[] {
    return ["sh", "-c", '"$@" & wait', "sh", ...this.command(...ignored)];
  }

  entries(): Entry[] {
    if (!existsSync(this.#log)) return [];
    // What follows the last line break is empty or not yet written in full.
    const lines = readFileSync(this.#log, "utf8").split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as Entry);
  }

  /** Waits until the `nth` holder, which `program` starts, is at work. */
  async begun(program: Program, nth = 1): Promise<void> {
    await program.until(`holder ${nth} is at work`, () => this.leases().length >= nth);
  }

  /** The process id of the first writer. */
  get pid(): number {
    const [first] = this.entries();
    if (!first) throw new Error("No command has written yet.");
    return first.pid;
  }

  /** Whether a command still writes from now on. */
  async isAlive(): Promise<boolean> {
    const before = this.entries().length;
    await new Promise((resolve) => setTimeout(resolve, 300));
    return this.entries().length > before;
  }

  leases(): number[] {
    return [...new Set(this.entries().map(({ lease }) => lease))];
  }

  /** Ends the command, and all later ones. */
  stop(): void {
    writeFileSync(this.#stop, "");
  }

  heard(event: Entry["event"]): boolean {
    return this.entries().some((entry) => entry.event === event);
  }

  /** Whether the times from first to last entry of any two holders overlap. */
  overlaps(): boolean {
    const spans = this.leases().map((lease) => {
      const times = this.entries().flatMap((entry) => (entry.lease === lease ? [entry.at] : []));
      return { from: Math.min(...times), to: Math.max(...times) };
    });
    return spans.some((one, index) =>
      spans.slice(index + 1).some((other) => one.from <= other.to && other.from <= one.to),
    );
  }
}
