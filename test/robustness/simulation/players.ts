import { once } from "node:events";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { Answer, Question } from "./player.ts";

/** Seeds that are handed out at a time. */
const BATCH = 50;

/** Threads that play simulations, all with the same bug if any. */
export class Players {
  readonly #workers: Worker[];

  constructor(count: number, bug: string | undefined) {
    const options = { workerData: { bug }, execArgv: ["--no-warnings"] };
    this.#workers = Array.from({ length: count }, () => new Worker(join(import.meta.dirname, "player.ts"), options));
  }

  /** Asks the first of them. */
  async ask(question: Question): Promise<Answer> {
    return await this.#ask(this.#workers[0] as Worker, question);
  }

  /** Plays all seeds, or until one fails; reports its progress. */
  async play(seeds: string[], tell: (sum: Answer) => void): Promise<Answer> {
    const sum: Answer = { failed: undefined, played: 0, events: 0, jobs: 0, grants: 0 };
    const left = seeds.values();
    const work = async (worker: Worker) => {
      for (;;) {
        const batch = Array.from(left.take(BATCH));
        if (batch.length === 0 || sum.failed) return;
        const { failed, ...counts } = await this.#ask(worker, { seeds: batch });
        for (const count of ["played", "events", "jobs", "grants"] as const) sum[count] += counts[count];
        sum.failed ??= failed;
        tell(sum);
      }
    };
    await Promise.all(this.#workers.map(work));
    return sum;
  }

  async end(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  async #ask(worker: Worker, question: Question): Promise<Answer> {
    worker.postMessage(question);
    const [answer] = (await once(worker, "message")) as [Answer];
    return answer;
  }
}
