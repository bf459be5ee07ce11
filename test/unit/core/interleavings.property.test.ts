import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Claim } from "../../../src/core/leases/lease.ts";
import { World } from "./world.ts";

const EXCLUSIVE: Claim = { exclusive: true, permits: 1, capacity: 1 };
const READER: Claim = { exclusive: false, permits: 1, capacity: Number.POSITIVE_INFINITY };

const claim = fc.oneof(
  { weight: 3, arbitrary: fc.constant(EXCLUSIVE) },
  { weight: 1, arbitrary: fc.constant(READER) },
  {
    weight: 2,
    // The capacities differ, because each request is judged by its own.
    arbitrary: fc
      .tuple(fc.integer({ min: 1, max: 3 }), fc.constantFrom(3, 5))
      .map(([permits, capacity]) => ({ exclusive: false, permits, capacity })),
  },
);
const ttl = fc.constantFrom(1, 500, 5_000, 40_000);
const wait = fc.constantFrom(1, 1_000, 20_000, 60_000);
const pick = fc.nat(20);

// The steps are data rather than closures, so that you can read a counterexample.
type Step = { [K in keyof World]: World[K] extends (...args: infer A) => void ? [K, ...A] : never }[keyof World];

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.tuple(fc.constant("acquire" as const), claim, ttl) },
  { weight: 6, arbitrary: fc.tuple(fc.constant("enqueue" as const), claim, ttl, wait) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("renew" as const), pick, ttl) },
  {
    weight: 12,
    arbitrary: fc.tuple(fc.constantFrom("release", "release", "comeBack", "haunt", "repeat", "cancel", "drop"), pick),
  },
  { weight: 2, arbitrary: fc.tuple(fc.constant("convert" as const), pick, claim) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("steal" as const), claim, ttl) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("forceRelease" as const)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("expire" as const), pick) },
  { weight: 3, arbitrary: fc.tuple(fc.constant("tick" as const), fc.constantFrom(1, 100, 700, 3_000, 26_000)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("stepBack" as const), fc.constantFrom(1, 1_000, 3_600_000)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("restart" as const)) },
) as fc.Arbitrary<Step>;

function play(steps: Step[]): string[] {
  const world = new World();
  for (const [name, ...args] of steps) (world[name] as (...args: unknown[]) => void)(...args);
  world.settle();
  return world.violations;
}

describe("G1 G2 G3 G4 G5: random interleavings", () => {
  it(
    "Random interleavings keep exclusion, growing lease numbers and order, revive no dead lease and lose no waiter.",
    { timeout: 120_000 },
    () => {
      const anySteps = fc.array(step, { minLength: 5, maxLength: 40 });
      fc.assert(
        fc.property(anySteps, (steps) => {
          expect(play(steps)).toEqual([]);
        }),
        { numRuns: 10_000 },
      );
    },
  );
});
