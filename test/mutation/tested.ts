import { spawn } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Trial } from "./batch.ts";
import type { Mutant } from "./mutants.ts";

const ROOT = join(import.meta.dirname, "../..");
/** Mutants that share an isolate: few enough that one that hangs costs little. */
const BATCH = 40;

/** How long workerd and the tests may take to start, in milliseconds. */
const STARTING = 120_000;

/** Runtimes at once: slow tests mostly wait. */
const AT_ONCE = 3;

/** Stands for the source without a mutant: what finds that one, finds nothing. */
const CONTROL = -1;

/** Tries mutants on tests in workerd; answers how those were found that were. */
export async function killByTests(
  mutants: Mutant[],
  numbers: number[],
  filesOf: (mutant: Mutant) => string[],
  silence: number,
): Promise<Map<number, string>> {
  const found = new Map<number, string>();
  const left = [...numbers];
  // The first of a batch that said nothing: what goes round in circles may do so before its first word is out.
  const suspects: number[] = [];
  const tryBatches = async (): Promise<void> => {
    while (left.length + suspects.length > 0) {
      const suspect = suspects.pop();
      const batch =
        suspect === undefined ? left.splice(0, Math.min(BATCH, Math.ceil(left.length / AT_ONCE))) : [suspect];
      const { tried, hung } = await runBatch(mutants, trialsOf(mutants, batch, filesOf), found, silence);
      if (hung !== undefined) found.set(hung, "endless");
      if (found.has(CONTROL)) console.log(`the source without a mutant is found: ${found.get(CONTROL)}`);
      found.delete(CONTROL);
      // Those that had no turn have it with the next.
      const untried = batch.filter((number) => !tried.has(number) && number !== hung);
      console.log(`${found.size} found, ${left.length + untried.length} to try`);
      const [first] = untried.length === batch.length ? untried.splice(0, 1) : [];
      left.unshift(...untried);
      if (first === undefined) continue;
      if (first === suspect) found.set(first, "endless");
      else suspects.push(first);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, tryBatches));
  return found;
}

/** A batch's trials; the last is the control. */
function trialsOf(mutants: Mutant[], batch: number[], filesOf: (mutant: Mutant) => string[]): Trial[] {
  const trials = batch.map((number) => ({
    number,
    files: filesOf(mutants[number] as Mutant).map((file) => join(ROOT, "test", file)),
  }));
  return [...trials, { number: CONTROL, files: [...new Set(trials.flatMap(({ files }) => files))] }];
}

interface Ran {
  tried: Set<number>;
  hung: number | undefined;
}

async function runBatch(mutants: Mutant[], trials: Trial[], found: Map<number, string>, silence: number): Promise<Ran> {
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
  child.stderr.pipe(process.stderr);
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
