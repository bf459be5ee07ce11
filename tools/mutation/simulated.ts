import { once } from "node:events";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { Mutant } from "./mutants.ts";

/** A call that takes longer than this loops forever, in milliseconds. */
const TOO_LONG = 10_000;

/** A thread that tries the mutants on simulated worlds. */
export class SimulatedKiller {
  readonly #mutants: Mutant[];
  readonly #seeds: number;
  #worker: Worker | undefined;

  constructor(mutants: Mutant[], seeds: number) {
    this.#mutants = mutants;
    this.#seeds = seeds;
  }

  /** How the mutant was found; undefined if it was not. */
  async kill(number: number): Promise<string | undefined> {
    if (this.#mutants[number]?.isStatic) await this.end();
    const worker = (this.#worker ??= this.#start(number));
    worker.postMessage({ number, seeds: this.#seeds });
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), TOO_LONG);
    try {
      const [by] = (await once(worker, "message", { signal: abort.signal })) as [string | undefined];
      if (this.#mutants[number]?.isStatic) await this.end();
      return by;
    } catch (error) {
      await this.end();
      return abort.signal.aborted ? "endless" : `crash: ${String(error).slice(0, 80)}`;
    } finally {
      clearTimeout(timer);
    }
  }

  async end(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  #start(awake: number): Worker {
    const options = { workerData: { mutants: this.#mutants, awake }, execArgv: ["--no-warnings"], stderr: true };
    return new Worker(join(import.meta.dirname, "killer.ts"), options);
  }
}
