import { readFileSync } from "node:fs";

const EVERY = 1_000;

/** Samples how much memory a process has, over time. */
export class Memory implements Disposable {
  readonly #samples: number[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(pid: number) {
    this.#timer = setInterval(() => this.#samples.push(residentOf(pid)), EVERY);
  }

  /** Medians of the four quarters of the time, in MB. */
  quarters(): number[] {
    const length = Math.ceil(this.#samples.length / 4);
    return [0, 1, 2, 3].map((n) => {
      const sorted = this.#samples.slice(n * length, (n + 1) * length).sort((a, b) => a - b);
      return Math.round(sorted[sorted.length >> 1] ?? Number.NaN);
    });
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** In MB, as /proc tells it. */
function residentOf(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kilobytes) / 1_024;
}
