import type { Figure } from "../harness/figure.ts";
import { Lab } from "../harness/lab.ts";
import { machine } from "../harness/machine.ts";
import { comparisonTable } from "../report/comparisons.ts";
import { type StoredRun, store, stored } from "../report/stored-run.ts";
import { tablesOf } from "../report/table.ts";
import { SECTIONS } from "../sections/all.ts";
import { lossesSince } from "./check.ts";
import { type Options, optionsOf } from "./options.ts";

/** Runs the command line; returns the exit code. */
export async function run(args: string[]): Promise<number> {
  const options = optionsOf(
    args,
    SECTIONS.map(({ name }) => name),
  );
  if (!options) return 0;
  const before = stored();
  if (options.page) {
    await show(before?.figures ?? []);
    return 0;
  }
  if (options.check && !before) throw new Error("There is no stored run to compare with: run with --store first.");
  const since = performance.now();
  const figures = await measureAll(options);
  console.log(`\n${comparisonTable(figures)}\n\nAll in ${seconds(since)} s.`);
  if (options.store) await keep(figures, before, options);
  return options.check && before ? check(before, figures, options) : 0;
}

const seconds = (since: number) => ((performance.now() - since) / 1_000).toFixed(1);

/** Runs the sections, and shows the tables of each as soon as it is done. */
async function measureAll({ full, only, against }: Options): Promise<Figure[]> {
  await using lab = new Lab({ full, against });
  // Without this, a run that somebody stops would leave its processes and folders behind.
  const stop = () => void lab[Symbol.asyncDispose]().finally(() => process.exit(1));
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, stop);
  const figures: Figure[] = [];
  for (const section of SECTIONS.filter(({ name }) => !only || only.includes(name))) {
    const since = performance.now();
    console.log(`\n${section.name}: ${section.about}.\n`);
    const measured = await section.measure(lab);
    console.log(`${tablesOf(measured).join("\n\n")}\n(${seconds(since)} s)`);
    figures.push(...measured);
  }
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, stop);
  return figures;
}

/** Stores the run, and draws what the docs show. Sections that did not run keep their figures. */
async function keep(figures: Figure[], before: StoredRun | undefined, { only }: Options): Promise<void> {
  const others = only ? (before?.figures ?? []).filter(({ section }) => !only.includes(section)) : [];
  const order = SECTIONS.map(({ name }) => name);
  const all = [...others, ...figures].sort((a, b) => order.indexOf(a.section) - order.indexOf(b.section));
  store({ machine: machine(), figures: all });
  await show(all);
}

/** Writes the page and draws its charts. */
async function show(figures: Figure[]): Promise<void> {
  const [{ writePage }, { drawCharts }] = await Promise.all([
    import("../report/page.ts"),
    import("../report/charts.ts"),
  ]);
  writePage();
  drawCharts(figures);
}

/** Compares with the stored run. What seems to have lost is measured again, because one bad minute proves nothing. */
async function check({ figures: before }: StoredRun, figures: Figure[], options: Options): Promise<number> {
  const suspected = lossesSince(before, figures);
  if (suspected.length === 0) return 0;
  const only = [...new Set(suspected.map(({ section }) => section))];
  console.log(`\n${suspected.length} figures are over 15 % worse. Measuring ${only.join(", ")} again.`);
  const again = lossesSince(before, await measureAll({ ...options, only }));
  const keys = new Set(suspected.map(({ message }) => message.replace(/: .*/, "")));
  const confirmed = again.filter(({ message }) => keys.has(message.replace(/: .*/, "")));
  for (const { message } of confirmed) console.error(`lost: ${message}`);
  return confirmed.length === 0 ? 0 : 1;
}
