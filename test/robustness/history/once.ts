import { type Asked, type Entry, type Run, type Violation, groupBy } from "./records.ts";

/** A result that was given to a caller, and so was recorded. */
interface Result {
  value: string;
  run: Run;
  /** The earliest time at which it was stored. */
  ended: number;
  /** The latest time at which it was stored: a caller had it by then. */
  knownBy: number;
  retain: number;
  askers: (Asked & { answered: number })[];
}

type Report = (message: string, records: Entry[]) => void;

/** A job that runs once: while its result is stored, all callers get that result and the job does not run. */
export function checkOnce(runs: Run[], asked: Asked[], tolerance: number): Violation[] {
  const keys = groupBy<Run | Asked>([...runs, ...asked], ({ key }) => key);
  return Array.from(keys, ([key, entries]) => checkKey(key, entries, tolerance)).flat();
}

function checkKey(key: string, entries: (Run | Asked)[], tolerance: number): Violation[] {
  const violations: Violation[] = [];
  const report: Report = (message, records) =>
    violations.push({ guarantee: "once", lock: key, message: `Job ${key}: ${message}`, records });
  const runs = entries.filter((entry) => entry.kind === "run");
  const results = resultsOf(entries, runs, report);
  for (const [n, result] of results.entries()) {
    const keptUntil = result.ended + result.retain - tolerance;
    const next = results[n + 1];
    if (next && next.run.began < keptUntil)
      report(`${next.value} was recorded while ${result.value} was kept.`, [result.run, next.run, ...next.askers]);
    for (const run of runs)
      if (run.began > result.knownBy && run.began < keptUntil)
        report(`a run began while ${result.value} was kept.`, [result.run, run, ...result.askers]);
    checkStale(result, tolerance, report);
  }
  return violations;
}

/** The results that were given, in the order of their runs. */
function resultsOf(entries: (Run | Asked)[], runs: Run[], report: Report): Result[] {
  const given = entries.filter(
    (entry): entry is Result["askers"][number] =>
      entry.kind === "asked" && entry.answered !== undefined && entry.value !== undefined,
  );
  const results: Result[] = [];
  for (const [value, askers] of groupBy(given, (asker) => asker.value as string)) {
    const run = runs.find((candidate) => candidate.value === value);
    const knownBy = Math.min(...askers.map(({ answered }) => answered));
    const [{ retain }] = askers as [Asked];
    if (run?.ended === undefined || run.ended > knownBy)
      report(`${value} was given, and no run had come to it.`, askers);
    else results.push({ value, run, ended: run.ended, knownBy, retain, askers });
  }
  return results.sort((a, b) => a.ended - b.ended);
}

/** A caller that asks after a result's time has ended does not get it. */
function checkStale({ value, run, knownBy, retain, askers }: Result, tolerance: number, report: Report): void {
  for (const asker of askers)
    if (asker.invoked > knownBy + retain + tolerance) report(`${value} was given after its time.`, [run, asker]);
}
