import { readFileSync } from "node:fs";

/** How the resident memory of a process goes on, in MB. */
export class Memory {
  readonly #pid: number;
  readonly #samples: number[] = [];
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(pid: number) {
    this.#pid = pid;
    this.#timer = setInterval(() => this.#samples.push(this.#read()), 1_000);
  }

  /** The means of the second quarter, when all is warm, and of the last; then it samples no more. */
  stop(): { warm: number; end: number } {
    clearInterval(this.#timer);
    const quarter = Math.floor(this.#samples.length / 4);
    const meanOf = (samples: number[]) => Math.round(samples.reduce((sum, one) => sum + one, 0) / samples.length);
    return { warm: meanOf(this.#samples.slice(quarter, 2 * quarter)), end: meanOf(this.#samples.slice(-quarter)) };
  }

  #read(): number {
    const [, pages = "0"] = readFileSync(`/proc/${this.#pid}/statm`, "utf8").split(" ");
    return (Number(pages) * 4_096) / 1_048_576;
  }
}
