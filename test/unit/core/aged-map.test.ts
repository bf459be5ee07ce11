import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { AgedMap } from "../../../src/core/aged-map.ts";

/** Plays settings and deletions on both kinds of map, and compares the two after each. */
function compareWithMap(steps: readonly number[]): void {
  const aged = new AgedMap<number, string>();
  const map = new Map<number, string>();
  for (const [index, step] of steps.entries()) {
    const key = Math.abs(step);
    map.delete(key);
    if (step >= 0) aged.set(key, `value ${index}`);
    if (step >= 0) map.set(key, `value ${index}`);
    else aged.delete(key);
    const [oldest] = map.values();
    expect([aged.size, aged.oldest, aged.get(key)]).toEqual([map.size, oldest, map.get(key)]);
  }
}

describe("Aged map", () => {
  it("An aged map knows the value that was set before all others, whatever is set and deleted.", () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: -20, max: 20 }), { maxLength: 300 }), compareWithMap));
  });

  it("An aged map that has dropped thousands of entries still knows its oldest value.", () => {
    const keys = Array.from({ length: 3_000 }, (_, index) => index + 1);
    compareWithMap([...keys, ...keys, ...keys.map((key) => (key % 1_000 === 0 ? key : -key))]);
  });
});
