import fc from "fast-check";
import { LIMITS } from "../../../src/core/limits.ts";

/** Whether a value is a good one; written down from the documentation and not from the code that is tested. */
export type Rule = (value: unknown) => boolean;

const isWhole = (value: unknown, min: number, max: number) =>
  typeof value === "number" && Number.isInteger(value) && value >= min && value <= max;

const DAY = 86_400_000;
const absentOr =
  (rule: Rule): Rule =>
  (value) =>
    value === undefined || rule(value);
const isText: Rule = (value) =>
  typeof value === "string" && value !== "" && value.isWellFormed() && new TextEncoder().encode(value).length <= 512;
const isFlag: Rule = (value) => typeof value === "boolean";

export const RULES = {
  ttl: (value) => isWhole(value, 1, DAY),
  maxHold: absentOr((value) => value === Infinity || isWhole(value, 1, DAY)),
  minHold: absentOr((value) => isWhole(value, 0, DAY)),
  lease: (value) => isWhole(value, 1, Number.MAX_SAFE_INTEGER),
  known: (value) => isWhole(value, 0, Number.MAX_SAFE_INTEGER),
  wait: (value) => value === Infinity || isWhole(value, 0, DAY),
  longPoll: absentOr((value) => isWhole(value, 1, LIMITS.longPoll)),
  waited: (value) => isWhole(value, 0, Number.MAX_SAFE_INTEGER),
  owner: absentOr(isText),
  text: isText,
  requestId: absentOr(isText),
  lockDelay: absentOr((value) => isWhole(value, 0, DAY)),
  flag: absentOr(isFlag),
  once: absentOr((value) => value === "" || isText(value)),
  retain: (value) => isWhole(value, 1, 366 * DAY),
  count: (value) => isWhole(value, 1, LIMITS.maxCount),
  parties: (value) => isWhole(value, 1, LIMITS.maxParties),
  permits: absentOr((value) => isWhole(value, 1, Number.MAX_SAFE_INTEGER)),
  capacity: absentOr((value) => value === Infinity || isWhole(value, 1, Number.MAX_SAFE_INTEGER)),
} satisfies Record<string, Rule>;

/** The bounds of everything, and what is next to them. */
const BOUNDS = [0, 1, 512, 1_000, 10_000, 25_000, DAY, 366 * DAY, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER];
const nearMiss = fc
  .tuple(fc.constantFrom(...BOUNDS), fc.constantFrom(-1, -0.5, 0, 0.5, 1))
  .map(([bound, by]) => bound + by);

const number = fc.oneof(
  nearMiss,
  fc.double(),
  fc.integer(),
  fc.constantFrom(-0, Number.NaN, Infinity, -Infinity, 5e-324, 1.7e308, -1),
);

const LONG = "x".repeat(1_000_000);
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.string({ unit: "grapheme", maxLength: 20 }),
  fc
    .tuple(fc.constantFrom("x", "é", "€", "😀"), fc.constantFrom(127, 128, 129, 170, 171, 255, 256, 257, 511, 512, 513))
    .map(([unit, count]) => unit.repeat(count)),
  fc.constantFrom(
    "",
    " ",
    "\0",
    "\ud800",
    "a\udc00b",
    "__proto__",
    "constructor",
    "1",
    "1000",
    "Infinity",
    "null",
    "true",
    LONG,
  ),
);

function cyclic(): unknown {
  const value: Record<string, unknown> = { wait: 1 };
  value["self"] = value;
  return value;
}

/** Values of every kind that RPC carries. Each use makes new ones, because some change when they are read. */
const thing = fc
  .constantFrom<() => unknown>(
    () => null,
    () => undefined,
    () => 10n,
    () => new Date(Number.NaN),
    () => new Date(1_000),
    () => new Map<unknown, unknown>([["ttl", 1]]),
    () => new Set([1]),
    () => new Uint8Array(3),
    () => new Uint8Array(0),
    () => new ArrayBuffer(8),
    () => new DataView(new ArrayBuffer(1)),
    () => /x/g,
    () => new Error("not an option"),
    () => new Headers({ ttl: "1" }),
    cyclic,
    () => [],
    () => [1_000],
    () => Object.assign([], { length: 5 }),
    () => Object.assign([], { ttl: 1 }),
    () => ({}),
    () => Object.create(null) as object,
    () => ({ valueOf: 1_000, toString: 1 }),
    () => JSON.parse('{"__proto__": {"wait": 1}}') as object,
    () => ({ [Symbol.iterator]: 1 }),
    () => ({
      get wait() {
        return Math.random() < 0.5 ? 0 : "x";
      },
    }),
    () => Object(1_000) as object,
    () => Object("text") as object,
    () => Object(true) as object,
  )
  .map((make) => make());

/** Any value that can come from outside. */
export const anything = fc.oneof(
  { weight: 4, arbitrary: number },
  { weight: 3, arbitrary: text },
  { weight: 3, arbitrary: thing },
  { weight: 1, arbitrary: fc.boolean() },
  { weight: 1, arbitrary: fc.object({ maxDepth: 2, maxKeys: 4 }) },
);

/** Keys that are no option. */
export const unknownKey = fc.constantFrom(
  "waitt",
  "WAIT",
  "priority",
  "__proto__",
  "constructor",
  "toString",
  "0",
  "",
  "\ud800",
  LONG,
);

/** An object with own properties only, `__proto__` among them. */
export function ownProperties(entries: [string, unknown][]): Record<string, unknown> {
  return Object.fromEntries(entries);
}

/** How many inputs were tried. */
export let inputs = 0;

/** Runs a property on so many inputs and counts them; a failure is reported with the seed and path that repeat it. */
export async function fuzz<T>(runs: number, arbitrary: fc.Arbitrary<T>, check: (value: T) => Promise<void> | void) {
  const counted = fc.asyncProperty(arbitrary, async (value) => {
    inputs += 1;
    await check(value);
  });
  const { failed, seed, counterexamplePath, counterexample, errorInstance } = await fc.check(counted, {
    numRuns: runs,
  });
  if (!failed) return;
  const message = errorInstance instanceof Error ? (errorInstance.stack ?? "") : String(errorInstance);
  // Lone surrogates in a message would break the connection to the test runner.
  const told = [`seed: ${seed}, path: "${counterexamplePath}"`, fc.stringify(counterexample), message];
  throw new Error(told.map((line) => line.toWellFormed().slice(0, 2_000)).join("\n"));
}
