import { afterEach, beforeAll, beforeEach, describe, inject } from "vitest";

/** A mutant and the tests that are to find it, the quickest first. */
export interface Trial {
  number: number;
  files: string[];
}

declare module "vitest" {
  export interface ProvidedContext {
    trials: Trial[];
  }
}

const found = new Set<number>();

// One isolate for many mutants: starting one takes longer than most tests do.
for (const { number, files } of inject("trials"))
  describe(`mutant ${number}`, async () => {
    beforeAll(() => {
      Object.assign(globalThis, { mutant: number });
      console.log(`mutant ${number} begins`);
    });
    beforeEach(({ skip }) => {
      if (found.has(number)) skip();
    });
    afterEach(({ task }) => {
      if (task.result?.state !== "fail" || found.has(number)) return;
      found.add(number);
      console.log(`mutant ${number} found by ${task.name}`);
    });
    for (const file of files)
      describe(file, async () => {
        await import(/* @vite-ignore */ `${file}?mutant=${number}`);
      });
  });
