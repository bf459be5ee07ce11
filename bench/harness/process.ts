import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Setting } from "../contestants/process.ts";
import type { Order, Sample } from "../work/order.ts";

interface Answer {
  sample?: Sample;
  error?: string;
}

/** A contestant in a process of its own. */
export class ContestantProcess implements Disposable {
  readonly #child: ChildProcess;
  /** What the answer is if the process ends before it answers. */
  readonly #ended: Promise<[Answer]>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = once(child, "exit").then(() => [{ error: "The contestant's process ended." }]);
  }

  static async start(setting: Setting): Promise<ContestantProcess> {
    const child = fork(join(import.meta.dirname, "../contestants/process.ts"), [JSON.stringify(setting)], {
      execArgv: ["--no-warnings"],
    });
    const started = new ContestantProcess(child);
    await started.#answer();
    return started;
  }

  async perform(order: Order): Promise<Sample> {
    this.#child.send(order);
    return this.#answer();
  }

  [Symbol.dispose](): void {
    this.#child.kill();
  }

  async #answer(): Promise<Sample> {
    const [{ sample, error }] = (await Promise.race([once(this.#child, "message"), this.#ended])) as [Answer];
    if (!sample) throw new Error(error);
    return sample;
  }
}
