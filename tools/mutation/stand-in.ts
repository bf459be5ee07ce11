// Stands in for vitest in the tests on which mutants are tried. The tests are loaded once and played for each mutant;
// vitest would load them again each time. Contains only what those tests use.
import { expect, vi } from "vitest";

export { expect, vi };

export type Step = (...row: unknown[]) => unknown;

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

/** The default time limit, in ms. Most tests take a fraction of it. Each must meet it with the mutant asleep. */
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

type Options = { timeout?: number } | Step;

/** The time limit of a group is ignored: each test must meet the default or its own. */
function within(concurrent: boolean, options: Options, body?: Step): void {
  const outer = groups;
  groups = [...outer, new Group(concurrent)];
  (typeof options === "function" ? options : (body as Step))();
  groups = outer;
}

type Describe = (name: string, options: Options, body?: Step) => void;

const describeGroup: Describe = (_name, ...rest) => within(innermost().isConcurrent, ...rest);
const describeConcurrent: Describe = (_name, ...rest) => within(true, ...rest);

export const describe = Object.assign(describeGroup, { concurrent: describeConcurrent });

function add(name: string, options: Options, body?: Step): void {
  const [step, { timeout = TIMEOUT }] = typeof options === "function" ? [options, {}] : [body as Step, options];
  tests.push({ name, body: step, timeout, groups });
}

/** The text of a value; its type if the value can't be converted. */
function shown(value: unknown): string {
  try {
    return String(value);
  } catch {
    return typeof value;
  }
}

type Rows = (rows: readonly unknown[]) => (name: string, options: Options, body?: Step) => void;

/** A test for each row. `argumentsOf` turns a row into the arguments of the test. */
const forRows =
  (argumentsOf: (row: unknown) => unknown[]): Rows =>
  (rows) =>
  (name, options, body) => {
    const [step, rest] = typeof options === "function" ? [options, {}] : [body as Step, options];
    for (const row of rows) {
      const values = argumentsOf(row);
      add(`${name} ${values.map(shown).join(",")}`, rest, () => step(...values));
    }
  };

export const it = Object.assign(add, {
  each: forRows((row) => (Array.isArray(row) ? row : [row])),
  for: forRows((row) => [row]),
});

export const beforeAll = (step: Step): unknown => innermost().before.push(step);
export const afterAll = (step: Step): unknown => innermost().after.push(step);
export const beforeEach = (step: Step): unknown => innermost().beforeEach.push(step);
export const afterEach = (step: Step): unknown => innermost().afterEach.push(step);
