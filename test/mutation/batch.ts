import { inject, it, vi } from "vitest";
import { firstFailure } from "./play.ts";
import { type Test, load } from "./suite.ts";

/** A mutant and the tests that are to find it, the likeliest first. */
export interface Trial {
  number: number;
  files: string[];
}

declare module "vitest" {
  export interface ProvidedContext {
    trials: Trial[];
  }
}

/** Stands for the source without a mutant. */
const NONE = -1;
/** How often a test that fails without a mutant is tried again before it is left out. */
const TRIES = 3;

const { setTimeout } = globalThis;
const loaded = new Map<string, Test[]>();
const left = new Set<Test>();

async function testsOf(file: string): Promise<Test[]> {
  const tests = loaded.get(file) ?? (await load(file));
  loaded.set(file, tests);
  return tests.filter((test) => !left.has(test));
}

const wake = (number: number) => Object.assign(globalThis, { mutant: number });

/** Tells, and lets the words out before what may go round in circles. */
async function say(words: string): Promise<void> {
  console.log(words);
  await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Whether a test fails because of the mutant: the same test, played at once without it, must pass. */
async function isToBlame(number: number, test: Test): Promise<boolean> {
  for (let tries = 1; ; tries += 1) {
    vi.useRealTimers();
    vi.restoreAllMocks();
    wake(NONE);
    const failure = await firstFailure([test]);
    wake(number);
    if (!failure) return tries === 1 || (await firstFailure([test])) !== undefined;
    if (tries === TRIES) {
      await say(`fails without a mutant, and is left out: ${test.name}: ${String(failure.error).slice(0, 200)}`);
      left.add(test);
      return false;
    }
    // What another mutant has left behind may take a while to end.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

async function tryOn(number: number, file: string): Promise<string | undefined> {
  wake(number);
  for (let tests = await testsOf(file); tests.length > 0;) {
    const failure = await firstFailure(tests);
    if (!failure) return undefined;
    if (await isToBlame(number, failure.test)) return failure.test.name;
    tests = tests.slice(tests.indexOf(failure.test) + 1);
  }
  return undefined;
}

it("mutants", { timeout: 2 ** 31 - 1 }, async () => {
  // Loaded without a mutant awake, and before the first's time begins.
  for (const { files } of inject("trials")) for (const file of files) await testsOf(file);
  for (const { number, files } of inject("trials")) {
    for (const file of files) {
      await say(`mutant ${number} tries ${file}`);
      const found = await tryOn(number, file);
      if (!found) continue;
      await say(`mutant ${number} found by ${found}`);
      break;
    }
    wake(NONE);
  }
});
