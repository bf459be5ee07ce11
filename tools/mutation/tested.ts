import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Trial } from "./batch.ts";
import type { Mutant } from "./mutants.ts";

const ROOT = join(import.meta.dirname, "../..");
/** How many mutants share an isolate at most. The tests are loaded once for all of them. */
const BATCH = 60;

/** How many runtimes run at once: tests spend most of their time waiting. */
const AT_ONCE = 3;

/** How many times in a row workerd may fail to start. */
const MOST_FAILED_STARTS = 12;

/** How long workerd and the tests may take to start, in milliseconds. */
const STARTING = 180_000;

/** If a runtime prints no progress for this long, its mutant loops forever, in milliseconds. */
const SILENCE = 60_000;

/** Tries mutants on tests in workerd. Returns how each mutant was found, for those that were. */
export async function killByTests(
  mutants: Mutant[],
  numbers: number[],
  filesOf: (mutant: Mutant) => string[],
): Promise<Map<number, string>> {
  const found = new Map<number, string>();
  const left = numbers.filter((number) => filesOf(mutants[number] as Mutant).length > 0);
  /** A mutant that is evaluated while the source is loaded needs its own runtime. */
  const isStatic = (number: number | undefined) => mutants[number ?? -1]?.isStatic;
  const takeBatch = (): number[] => {
    const most = Math.min(BATCH, Math.ceil(numbers.length / AT_ONCE));
    const end = left.slice(0, most).findIndex(isStatic);
    return left.splice(0, end === -1 ? most : Math.max(1, end));
  };
  let failedStarts = 0;
  const tryBatches = async (): Promise<void> => {
    while (left.length > 0) {
      const batch = takeBatch();
      const trials = batch.map((number) => ({
        number,
        isStatic: isStatic(number) === true,
        files: filesOf(mutants[number] as Mutant).map((file) => join(ROOT, "test", file)),
      }));
      const { tried, hung } = await runBatch(mutants, trials, found);
      if (hung !== undefined) found.set(hung, "endless");
      // Mutants that were not reached go into the next batch.
      const untried = batch.filter((number) => !tried.has(number) && number !== hung);
      if (untried.length < batch.length) failedStarts = 0;
      // A busy machine may be too slow for workerd to start.
      else if ((failedStarts += 1) >= MOST_FAILED_STARTS) throw new Error(`Nothing was tried of ${batch.join(", ")}.`);
      left.unshift(...untried);
      console.log(`${found.size} found, ${left.length} to try`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, tryBatches));
  return found;
}

interface Ran {
  tried: Set<number>;
  hung: number | undefined;
}

async function runBatch(mutants: Mutant[], trials: Trial[], found: Map<number, string>): Promise<Ran> {
  const folder = mkdtempSync(join(tmpdir(), "mutants-"));
  const file = join(folder, "trials.json");
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
    const [, number, what] = /^mutant (\d+) (tries|is left|found by .*)/.exec(line) ?? [];
    if (/^(could not run|fails without|mutant)/.test(line)) console.log(new Date().toISOString().slice(11, 19), line);
    if (line === "batch done") present = undefined;
    if (what === undefined) continue;
    // Only these lines count as progress: a mutant that loops forever may print other lines all the time.
    clearTimeout(timer);
    timer = setTimeout(kill, SILENCE);
    // A mutant that is decided is not to blame for a loop after it.
    present = what === "tries" ? Number(number) : undefined;
    if (what !== "tries") tried.add(Number(number));
    if (what.startsWith("found")) found.set(Number(number), what);
  }
  clearTimeout(timer);
  rmSync(folder, { recursive: true });
  return { tried, hung };
}
