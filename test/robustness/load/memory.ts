import { readFileSync } from "node:fs";

/** Samples how much memory something has, over time. */
export class Memory implements Disposable {
  readonly #samples: number[] = [];
  readonly #timer: NodeJS.Timeout;

  /** `read` answers in MB. */
  constructor(read: () => number | Promise<number>, every = 1_000) {
    const sample = async () => this.#samples.push(await read());
    // A process that has ended has none.
    this.#timer = setInterval(() => void sample().catch(() => this[Symbol.dispose]()), every);
  }

  /** Medians of the four quarters of the time, in MB. */
  quarters(): number[] {
    const length = Math.ceil(this.#samples.length / 4);
    return [0, 1, 2, 3].map((n) => {
      const sorted = this.#samples.slice(n * length, (n + 1) * length).sort((a, b) => a - b);
      return Math.round((sorted[sorted.length >> 1] ?? Number.NaN) * 10) / 10;
    });
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** The memory of a process in MB, as /proc reports it. */
export function residentOf(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kilobytes) / 1_024;
}
