import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Figure } from "../harness/figure.ts";
import type { Machine } from "../harness/machine.ts";

const PATH = join(import.meta.dirname, "../results/baseline.json");

/** A run as it is kept in git. */
export interface StoredRun {
  machine: Machine;
  figures: Figure[];
}

const rounded = (values: number[]) => values.map((value) => Number(value.toPrecision(4)));

/** Stores a run. Four digits are more than the noise leaves. */
export function store({ machine, figures }: StoredRun): void {
  const kept = figures.map(({ values, ratios, ...figure }) => ({
    ...figure,
    values: rounded(values),
    ...(ratios && { ratios: rounded(ratios) }),
  }));
  // One figure a line: a later run then shows as the lines that it changes.
  const lines = kept.map((figure) => JSON.stringify(figure)).join(",\n");
  writeFileSync(PATH, `{"machine": ${JSON.stringify(machine)},\n"figures": [\n${lines}\n]}\n`);
}

/** The stored run; undefined if there is none. What could not be measured is stored as null. */
export function stored(): StoredRun | undefined {
  if (!existsSync(PATH)) return undefined;
  const reviver = (_key: string, value: unknown) => (value === null ? Number.NaN : value);
  return JSON.parse(readFileSync(PATH, "utf8"), reviver) as StoredRun;
}
