import type { Figure } from "../harness/figure.ts";
import { Lab } from "../harness/lab.ts";
import { tablesOf } from "../report/table.ts";
import { SECTIONS } from "../sections/all.ts";
import { type Options, optionsOf } from "./options.ts";

/** Runs the command line; returns the exit code. */
export async function run(args: string[]): Promise<number> {
  const options = optionsOf(
    args,
    SECTIONS.map(({ name }) => name),
  );
  if (!options) return 0;
  await measureAll(options);
  return 0;
}

/** Runs the sections, and shows the tables of each as soon as it is done. */
async function measureAll({ full, only, against }: Options): Promise<Figure[]> {
  await using lab = new Lab({ full, against });
  // Without this, a run that somebody stops would leave its processes and folders behind.
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => void lab[Symbol.asyncDispose]().finally(() => process.exit(1)));
  const figures: Figure[] = [];
  for (const section of SECTIONS.filter(({ name }) => !only || only.includes(name))) {
    const since = performance.now();
    console.log(`\n${section.name}: ${section.about}.`);
    const measured = await section.measure(lab);
    console.log(tablesOf(measured).join("\n\n"));
    console.log(`(${((performance.now() - since) / 1_000).toFixed(1)} s)`);
    figures.push(...measured);
  }
  return figures;
}
