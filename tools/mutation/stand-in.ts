// Stands in for vitest in the tests that mutants are tried on: they are loaded once and played for each mutant, where
// vitest would load them again. Only what they use is there.
import { expect, vi } from "vitest";

export { expect, vi };

export type Step = () => unknown;

export class Group {
  readonly isConcurrent: boolean;
  readonly before: Step[] = [];
  readonly after: Step[] = [];
  readonly beforeEach: Step[] = [];
  readonly afterEach: Step[] = [];

  constructor(isConcurrent: boolean) {
    this.isConcurrent = isConcurrent;
  }
}

export interface Test {
  name: string;
  body: Step;
  timeout: number;
  /** From the outermost to the innermost. */
  groups: Group[];
}

/** Most take a fraction of it; with the mutant asleep the same test must pass in that time. */
const TIMEOUT = 8_000;

let groups: Group[] = [];
let tests: Test[] = [];

/** The tests of a file. */
export async function load(file: string): Promise<Test[]> {
  groups = [new Group(false)];
  tests = [];
  await import(/* @vite-ignore */ file);
  return tests;
}

const innermost = () => groups.at(-1) as Group;

function within(concurrent: boolean, body: Step): void {
  const outer = groups;
  groups = [...outer, new Group(concurrent)];
  body();
  groups = outer;
}

export const describe = Object.assign((_name: string, body: Step) => within(innermost().isConcurrent, body), {
  concurrent: (_name: string, body: Step) => within(true, body),
});

type Options = { timeout?: number } | Step;

function add(name: string, options: Options, body?: Step): void {
  const [step, { timeout = TIMEOUT }] = typeof options === "function" ? [options, {}] : [body as Step, options];
  tests.push({ name, body: step, timeout, groups });
}

/** Not every value can be a text. */
function shown(value: unknown): string {
  try {
    return String(value);
  } catch {
    return typeof value;
  }
}

const each =
  (rows: readonly unknown[]) =>
  (name: string, body: (...row: unknown[]) => unknown): void => {
    for (const row of rows) {
      const values: unknown[] = Array.isArray(row) ? row : [row];
      add(`${name} ${values.map(shown).join(",")}`, () => body(...values));
    }
  };

export const it = Object.assign(add, { each });

export const beforeAll = (step: Step): unknown => innermost().before.push(step);
export const afterAll = (step: Step): unknown => innermost().after.push(step);
export const beforeEach = (step: Step): unknown => innermost().beforeEach.push(step);
export const afterEach = (step: Step): unknown => innermost().afterEach.push(step);
