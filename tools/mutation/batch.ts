/// <reference types="@cloudflare/vitest-pool-workers/types" />
import { abortAllDurableObjects } from "cloudflare:test";
import { inject, it, vi } from "vitest";
import { firstFailure } from "./play.ts";
import { type Test, load } from "./stand-in.ts";

/** A mutant and the tests that are to find it, the likeliest first. */
export interface Trial {
  number: number;
  /** Whether it is evaluated when the source is loaded: it can't be put to sleep. */
  isStatic: boolean;
  files: string[];
}

declare module "vitest" {
  export interface ProvidedContext {
    trials: Trial[];
  }
}

/** Stands for the source without a mutant. */
const NONE = -1;
/** An isolate gets slower with each call that was made in it: after so long the rest is left to a new one, in ms. */
const OLD = 30_000;

const { setTimeout } = globalThis;
const loaded = new Map<string, Test[]>();
const leftOut = new Set<Test>();

async function testsOf(file: string): Promise<Test[]> {
  const tests = loaded.get(file) ?? (await load(file));
  loaded.set(file, tests);
  return tests.filter((test) => !leftOut.has(test));
}

const wake = (number: number) => Object.assign(globalThis, { mutant: number });

/** Tells, and lets the words out before what may go round in circles. */
async function say(words: string): Promise<void> {
  console.log(words);
  await new Promise((resolve) => setTimeout(resolve, 20));
}

/**
 * Whether a test fails because of the mutant: the same test, played at once without it, must pass, and then fail again.
 *
 * If it fails then too, others have left something behind, like callers who ask forever: the mutant is tried again in an isolate
 * of its own time. A test that fails there too is left out.
 */
async function isToBlame(number: number, test: Test): Promise<boolean> {
  vi.restoreAllMocks();
  vi.useRealTimers();
  wake(NONE);
  // One whose state a mutant has spoiled may go round in circles without it too.
  await abortAllDurableObjects();
  const failure = await firstFailure([test]);
  wake(number);
  // One that passes now failed by chance, as one that waits for real time may on a busy machine.
  if (!failure) return (await firstFailure([test])) !== undefined;
  if (number !== inject("trials")[0]?.number) throw new Error("The isolate is spoiled.");
  await say(`fails without a mutant, and is left out: ${test.name}: ${String(failure.error).slice(0, 200)}`);
  leftOut.add(test);
  return false;
}

async function tryOn({ number, isStatic }: Trial, file: string): Promise<string | undefined> {
  wake(number);
  for (let tests = await testsOf(file); tests.length > 0;) {
    const failure = await firstFailure(tests);
    if (!failure) return undefined;
    if (isStatic || (await isToBlame(number, failure.test))) return failure.test.name;
    tests = tests.slice(tests.indexOf(failure.test) + 1);
  }
  return undefined;
}

it("mutants", { timeout: 2 ** 31 - 1 }, async () => {
  // Loaded without a mutant awake, and before the first's time begins.
  for (const { files } of inject("trials")) for (const file of files) await testsOf(file);
  const begun = performance.now();
  for (const trial of inject("trials")) {
    if (performance.now() - begun > OLD) return;
    const { number, files } = trial;
    let found: string | undefined;
    for (const file of files) {
      await say(`mutant ${number} tries ${file}`);
      found = await tryOn(trial, file);
      if (found !== undefined) break;
    }
    await say(`mutant ${number} ${found === undefined ? "is left" : `found by ${found}`}`);
    wake(NONE);
  }
});
