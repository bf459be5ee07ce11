import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createVitest } from "vitest/node";
import type { Trial } from "./batch.ts";
import { type Mutant, withMutants } from "./mutants.ts";

// Tries mutants on tests in real workerd, many mutants in one isolate. Prints which begins and which is found.
const ROOT = join(import.meta.dirname, "../..");
const [file = ""] = process.argv.slice(2);
const { mutants, trials } = JSON.parse(readFileSync(file, "utf8")) as { mutants: Mutant[]; trials: Trial[] };
const numbered = mutants.map((mutant, number) => ({ mutant, number }));

const STAND_IN = join(import.meta.dirname, "stand-in.ts");
// A mutant that is evaluated while the source is loaded must be awake by then.
const [first] = trials;
const awake = first && mutants[first.number]?.isStatic ? `globalThis.mutant ??= ${first.number};` : "";

function transform(source: string, id: string): string | undefined {
  if (!id.startsWith(ROOT)) return undefined;
  if (/\/test\//.test(id)) return source.replace('from "vitest"', `from "${STAND_IN}"`);
  const name = /\/src\/([^?]+\.ts)/.exec(id)?.[1];
  const own = numbered.filter(({ mutant }) => mutant.file === name);
  return own.length > 0 ? awake + withMutants(source, own) : undefined;
}

const plugin = { name: "mutants", enforce: "pre" as const, transform };
const tell = { onUserConsoleLog: ({ content }: { content: string }) => void process.stdout.write(content) };
const options = {
  config: join(import.meta.dirname, "vitest.config.ts"),
  watch: false,
  reporters: [tell],
  hookTimeout: 60_000,
};
const vitest = await createVitest("test", { ...options, root: ROOT }, { plugins: [plugin] });
vitest.provide("trials", trials);
const { testModules } = await vitest.runTestSpecifications(await vitest.globTestSpecifications());
const results = testModules.flatMap((module) => [...module.children.allTests()].map((test) => test.result()));
const errors = [
  ...testModules.flatMap((module) => module.errors()),
  ...results.flatMap(({ errors: thrown = [] }) => thrown),
];
for (const { message } of errors) console.log(`could not run: ${message}`);
console.log("batch done");
await vitest.close();
process.exit();
