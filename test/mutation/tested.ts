import { spawn } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Mutant } from "./mutants.ts";

const ROOT = join(import.meta.dirname, "../..");
/** Mutants that share an isolate: few enough that one that hangs costs little. */
const BATCH = 40;

/** How long workerd and the tests may take to start, in milliseconds. */
const STARTING = 120_000;

/** Tries mutants on tests in workerd; answers how those were found that were. */
export async function killByTests(
  mutants: Mutant[],
  numbers: number[],
  filesOf: (mutant: Mutant) => string[],
  silence: number,
): Promise<Map<number, string>> {
  const found = new Map<number, string>();
  const left = [...numbers];
  while (left.length > 0) {
    const batch = left.splice(0, BATCH);
    const trials = batch.map((number) => ({
      number,
      files: filesOf(mutants[number] as Mutant).map((file) => join(ROOT, "test", file)),
    }));
    const { tried, hung } = await runBatch(mutants, trials, found, silence);
    if (hung !== undefined) found.set(hung, "endless");
    // Those that had no turn have it with the next.
    const untried = batch.filter((number) => !tried.has(number) && number !== hung);
    console.log(`${found.size} found, ${left.length + untried.length} to try`);
    if (untried.length === batch.length && hung === undefined) throw new Error("a batch did not run");
    left.unshift(...untried);
  }
  return found;
}

interface Ran {
  tried: Set<number>;
  hung: number | undefined;
}

async function runBatch(
  mutants: Mutant[],
  trials: unknown[],
  found: Map<number, string>,
  silence: number,
): Promise<Ran> {
  const file = join(mkdtempSync(join(tmpdir(), "mutants-")), "trials.json");
  writeFileSync(file, JSON.stringify({ mutants, trials }));
  const child = spawn(process.execPath, ["--no-warnings", join(import.meta.dirname, "trials.ts"), file], {
    detached: true,
  });
  const tried = new Set<number>();
  let hung: number | undefined;
  let present: number | undefined;
  const kill = () => {
    hung = present;
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  };
  let timer = setTimeout(kill, STARTING);
  for await (const line of createInterface({ input: child.stdout })) {
    const [, number, what] = /^mutant (-?\d+) (begins|found by .*)$/.exec(line) ?? [];
    if (line.startsWith("could not run")) console.log(line);
    if (line === "batch done") present = undefined;
    if (what === undefined) continue;
    // By mutants and not by lines: one that goes round in circles may talk all the while.
    clearTimeout(timer);
    timer = setTimeout(kill, silence);
    present = Number(number);
    tried.add(present);
    if (what !== "begins") found.set(present, what);
  }
  clearTimeout(timer);
  return { tried, hung };
}
