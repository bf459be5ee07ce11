import { parentPort, workerData } from "node:worker_threads";
import { replaceGlobals } from "../../test/robustness/simulation/globals.ts";
import { loadSource } from "../../test/robustness/simulation/hooks.ts";
import { type Mutant, withMutants } from "./mutants.ts";

/** The order to play simulated worlds with one mutant awake, until a world reveals it. */
interface Task {
  number: number;
  seeds: number;
}

const { mutants, awake } = workerData as { mutants: Mutant[]; awake: number };
const numbered = mutants.map((mutant, number) => ({ mutant, number }));
// A mutant that is evaluated while the source is loaded must be awake by then.
Object.assign(globalThis, { mutant: awake });
loadSource((file, source) =>
  withMutants(
    source,
    numbered.filter(({ mutant }) => mutant.file === file),
  ),
);
const { planFor } = await import("../../test/robustness/simulation/plan.ts");
const { simulate } = await import("../../test/robustness/simulation/simulate.ts");
replaceGlobals();

parentPort?.on("message", ({ number, seeds }: Task) => {
  Object.assign(globalThis, { mutant: number });
  void kill(seeds).then((by) => parentPort?.postMessage(by));
});

async function kill(seeds: number): Promise<string | undefined> {
  for (let seed = 0; seed < seeds; seed += 1) {
    const { violations } = await simulate(planFor(`mutant-${seed}`)).catch((error: unknown) => ({
      violations: [{ guarantee: String(error) }],
    }));
    if (violations[0]) return `seed ${seed}: ${violations[0].guarantee}`;
  }
  return undefined;
}
