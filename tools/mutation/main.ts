import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Mutant, mutantsOf } from "./mutants.ts";
import { SimulatedKiller } from "./simulated.ts";
import { isSimulated, testsOf } from "./suites.ts";
import { killByTests } from "./tested.ts";

// Finds the small changes to the source that nothing notices: first with the tests, then with simulated worlds.
const SOURCE = join(import.meta.dirname, "../../src");

const { values } = parseArgs({
  options: {
    folder: { type: "string", default: "core" },
    seeds: { type: "string", default: "60" },
    /** The file to which the survivors are written after each stage. `--only` with this file tries them again. */
    survivors: { type: "string" },
    only: { type: "string" },
    /** Tries only every nth mutant. */
    every: { type: "string", default: "1" },
  },
});

const files = readdirSync(join(SOURCE, values.folder), { recursive: true, encoding: "utf8" });
const all: Mutant[] = files
  .filter((name) => name.endsWith(".ts"))
  .flatMap((name) => mutantsOf(`${values.folder}/${name}`, readFileSync(join(SOURCE, values.folder, name), "utf8")));
const mutants =
  values.only === undefined
    ? all.filter((_, index) => index % Number(values.every) === 0)
    : (JSON.parse(readFileSync(values.only, "utf8")) as Mutant[]);
const how = new Map<number, string>();
const left = () => [...mutants.keys()].filter((number) => !how.has(number));
const survivors = () => left().map((number) => mutants[number] as Mutant);
const tell = (stage: string) => {
  console.log(`${new Date().toISOString().slice(11, 19)} ${stage}: ${left().length} of ${mutants.length} are left`);
  if (values.survivors !== undefined) writeFileSync(values.survivors, JSON.stringify(survivors(), undefined, 1));
};

tell("begin");
for (const [number, by] of await killByTests(mutants, left(), testsOf)) how.set(number, by);
tell("tests");
await simulate(left().filter((number) => isSimulated(mutants[number] as Mutant)));
tell("simulation");

for (const { file, line, from, to } of survivors()) console.log(`${file}:${line}: ${oneLine(from)} -> ${oneLine(to)}`);
const score = (100 * (mutants.length - left().length)) / mutants.length;
for (const [number, by] of how)
  if (by === "endless") console.log(`endless: ${mutants[number]?.file}:${mutants[number]?.line}`);
console.log(`${values.folder}: ${mutants.length} mutants, ${left().length} survive: ${score.toFixed(1)} % found`);

async function simulate(numbers: number[]): Promise<void> {
  const queue = [...numbers];
  const play = async (): Promise<void> => {
    const killer = new SimulatedKiller(mutants, Number(values.seeds));
    const control = await killer.kill(-1);
    if (control !== undefined) throw new Error(`the source without a mutant fails: ${control}`);
    for (let number = queue.shift(); number !== undefined; number = queue.shift()) {
      const by = await killer.kill(number);
      if (by !== undefined) how.set(number, by);
      if (queue.length % 50 === 0) tell(`simulation, ${queue.length} to go`);
    }
    await killer.end();
  };
  await Promise.all(Array.from({ length: availableParallelism() }, play));
}

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return line.length > 90 ? `${line.slice(0, 90)}…` : line;
}
