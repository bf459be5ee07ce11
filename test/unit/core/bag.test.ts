import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { Bag } from "../../../src/core/bag.ts";

describe("Bag", () => {
  it("A bag holds what a set would, whatever is added and removed.", () => {
    const steps = fc.array(fc.integer({ min: -20, max: 20 }), { maxLength: 200 });
    fc.assert(
      fc.property(steps, (played) => {
        const bag = new Bag<number>();
        const set = new Set<number>();
        for (const step of played) {
          const item = Math.abs(step);
          if (step >= 0) bag.add(item);
          if (step >= 0) set.add(item);
          else expect(bag.delete(item)).toBe(set.delete(item));
          expect(bag.any === undefined ? set.size === 0 : set.has(bag.any)).toBe(true);
          expect(bag.has(item)).toBe(set.has(item));
        }
        expect(new Set(bag)).toEqual(set);
        expect([...bag]).toHaveLength(set.size);
      }),
    );
  });

  it("A bag that was cleared is empty and can be filled again.", () => {
    const bag = new Bag<string>();
    bag.add("a");
    bag.clear();
    expect([bag.any, bag.has("a"), [...bag]]).toEqual([undefined, false, []]);
    bag.add("b");
    expect([...bag]).toEqual(["b"]);
  });
});
