// Runs npm scripts side by side, one for each core, and ends with a table of how long each took.
//
//   node tools/stages.ts SCRIPT... [--after SCRIPT SCRIPT...]
//
// A name that ends with * stands for every script that begins that way. The first script after --after is a condition:
// the scripts behind it start only once it has passed. After a failure nothing new starts. Scripts that are running
// still end by themselves, so that no test is killed in the middle of its own clean-up.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";

/** One npm script, and the script that must pass before it starts. */
interface Stage {
  name: string;
  after: string | undefined;
}

interface Outcome {
  name: string;
  seconds: number;
  passed: boolean;
}

const root = join(import.meta.dirname, "..");
const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: Record<string, string> };

function namesOf(pattern: string): string[] {
  if (!pattern.endsWith("*")) return [pattern];
  return Object.keys(scripts).filter((name) => name.startsWith(pattern.slice(0, -1)));
}

function stagesOf(args: string[]): Stage[] {
  const split = args.indexOf("--after");
  const [first, after, last] =
    split < 0 ? [args, undefined, []] : [args.slice(0, split), args[split + 1], args.slice(split + 2)];
  const stage = (name: string, needed?: string): Stage => ({ name, after: needed });
  const stages = [
    ...first.flatMap(namesOf).map((name) => stage(name)),
    ...last.flatMap(namesOf).map((name) => stage(name, after)),
  ];
  const unknown = stages.find(({ name }) => !(name in scripts));
  if (unknown || stages.length === 0) throw new Error(`There is no npm script "${unknown?.name ?? args.join(" ")}".`);
  return stages;
}

/** Runs one script. Shows its output when it ends, so that the output of two scripts never mixes. */
async function run({ name }: Stage): Promise<Outcome> {
  const since = performance.now();
  const child = spawn("npm", ["run", "--silent", name], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  const output: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => output.push(data));
  const passed = await new Promise<boolean>((resolve) => {
    child.once("error", () => resolve(false));
    child.once("close", (code) => resolve(code === 0));
  });
  const seconds = (performance.now() - since) / 1_000;
  const outcome = `${passed ? "passed" : "FAILED"} in ${seconds.toFixed(1)} s`;
  console.log(`\n=== ${name}: ${outcome}\n${Buffer.concat(output).toString()}`);
  return { name, seconds, passed };
}

async function runAll(stages: Stage[]): Promise<Outcome[]> {
  const waiting = new Set(stages);
  const running = new Map<Stage, Promise<void>>();
  const outcomes: Outcome[] = [];
  const isReady = ({ after }: Stage) => !after || outcomes.some(({ name }) => name === after);
  const start = async (stage: Stage) => {
    outcomes.push(await run(stage));
    running.delete(stage);
  };
  for (;;) {
    const isFine = outcomes.every(({ passed }) => passed);
    const next = isFine ? [...waiting].find(isReady) : undefined;
    if (next && running.size < availableParallelism()) {
      waiting.delete(next);
      running.set(next, start(next));
    } else if (running.size > 0) await Promise.race(running.values());
    else return outcomes;
  }
}

function show(stages: Stage[], outcomes: Outcome[], total: number): void {
  const width = Math.max(...stages.map(({ name }) => name.length), "all, side by side".length);
  const row = (name: string, what: string) => console.log(`${name.padEnd(width)}  ${what}`);
  const seconds = (time: number) => `${time.toFixed(1).padStart(6)} s`;
  for (const { name } of stages) {
    const outcome = outcomes.find((one) => one.name === name);
    row(name, outcome ? `${seconds(outcome.seconds)}${outcome.passed ? "" : "  FAILED"}` : "not run");
  }
  row("all, side by side", seconds(total));
}

const since = performance.now();
const stages = stagesOf(process.argv.slice(2));
const outcomes = await runAll(stages);
show(stages, outcomes, (performance.now() - since) / 1_000);
const passed = outcomes.filter((outcome) => outcome.passed).length;
console.log(`stages: ${passed} passed, ${outcomes.length - passed} failed`);
if (passed < stages.length) process.exitCode = 1;
