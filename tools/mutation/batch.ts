/// <reference types="@cloudflare/vitest-pool-workers/types" />
import { abortAllDurableObjects } from "cloudflare:test";
import { inject, it, vi } from "vitest";
import { firstFailure } from "./play.ts";
import { type Test, load } from "./stand-in.ts";

/** A mutant and the tests that should find it, the likeliest first. */
export interface Trial {
  number: number;
  /** Whether it is evaluated when the source is loaded. Such a mutant can't be switched off afterwards. */
  isStatic: boolean;
  files: string[];
}

declare module "vitest" {
  export interface ProvidedContext {
    trials: Trial[];
  }
}

/** The number that means: no mutant. */
const NONE = -1;
/** An isolate gets slower with each call. After this time, in milliseconds, a new isolate takes over the rest. */
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

/** Prints a line, and lets it get out before a mutant that may loop forever. */
async function say(words: string): Promise<void> {
  console.log(words);
  await new Promise((resolve) => setTimeout(resolve, 20));
}

/**
 * Whether a test fails because of the mutant: the same test must pass without the mutant, and then fail again with it.
 *
 * If it fails without the mutant too, earlier tests have left something behind, such as callers that ask forever. The
 * mutant is then tried again in a fresh isolate. A test that also fails there is left out.
 */
async function isToBlame(number: number, test: Test): Promise<boolean> {
  vi.restoreAllMocks();
  vi.useRealTimers();
  wake(NONE);
  // An object whose state a mutant has spoiled may loop forever even without the mutant.
  await abortAllDurableObjects();
  const failure = await firstFailure([test]);
  wake(number);
  // A test that passes now failed by chance: on a busy machine, a test that waits for real time may do that.
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
  // Load the tests while no mutant is awake, and before the time of the first one begins.
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
