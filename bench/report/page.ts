import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../harness/source.ts";
import { comparisonTable } from "./comparisons.ts";
import { type StoredRun, stored } from "./stored-run.ts";
import { tablesOf } from "./table.ts";

const PAGE = join(ROOT, "docs/benchmarks.md");

/** What stands between the markers of a part. */
function partOf(name: string, { machine, figures }: StoredRun): string {
  if (name === "comparisons") return comparisonTable(figures);
  if (name !== "machine") return tablesOf(figures.filter(({ section }) => section === name)).join("\n\n");
  const { cores, processor, memory, versions, commit, date } = machine;
  const tools = Object.entries(versions).map(([tool, version]) => `${tool} ${version}`);
  return `The stored run is of ${date}, at commit ${commit}, on ${cores} cores (${processor}) with ${memory}: ${tools.join(", ")}.`;
}

/** The page with the figures of the stored run. The text outside of the markers stays. */
function generated(page: string, run: StoredRun): string {
  return page.replaceAll(
    /(<!-- figures: ([\w-]+) -->\n).*?(<!-- end -->)/gs,
    (_all, begin: string, name: string, end: string) => `${begin}\n${partOf(name, run)}\n\n${end}`,
  );
}

/** Whether the page shows the figures of the stored run. */
export function isCurrent(): boolean {
  const run = stored();
  const page = readFileSync(PAGE, "utf8");
  return run !== undefined && generated(page, run) === page;
}

/** Writes the figures of the stored run into the page. */
export function writePage(): void {
  const run = stored();
  if (run) writeFileSync(PAGE, generated(readFileSync(PAGE, "utf8"), run));
}
