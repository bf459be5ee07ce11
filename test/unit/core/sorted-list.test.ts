import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { SortedList } from "../../../src/core/sorted-list.ts";

/** Plays additions and deletions of numbers on a list and on an array, and compares the two after each. */
function compareWithArray(steps: readonly number[]): void {
  const list = new SortedList<number>((one, other) => one - other);
  let model: number[] = [];
  for (const step of steps) {
    const item = Math.abs(step);
    const isThere = model.includes(item);
    if (step >= 0 && !isThere) {
      list.add(item);
      model = [...model, item].sort((one, other) => one - other);
    } else {
      expect(list.delete(item)).toBe(isThere);
      model = model.filter((other) => other !== item);
    }
    expect([list.size, list.first, list.last]).toEqual([model.length, model[0], model.at(-1)]);
  }
  expect([...list]).toEqual(model);
  expect([...list.backwards()]).toEqual(model.toReversed());
  expect(model.map((item) => list.countBefore(item))).toEqual([...model.keys()]);
}

describe("Sorted list", () => {
  it("A sorted list holds what an array would, whatever is added and removed in whatever order.", () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: -400, max: 400 }), { maxLength: 2_000 }), compareWithArray), {
      numRuns: 30,
    });
  });

  it("A list of thousands that fills and empties in order, or in reverse, stays sorted.", () => {
    const items = Array.from({ length: 2_000 }, (_, index) => index + 1);
    const removed = items.map((item) => -item);
    for (const steps of [items, items.toReversed(), [...items, ...removed], [...items, ...removed.toReversed()]])
      compareWithArray(steps);
  });

  it("A list that was cleared is empty and can be filled again.", () => {
    const list = new SortedList<number>((one, other) => one - other);
    for (const item of [3, 1, 2]) list.add(item);
    list.clear();
    expect([list.size, list.first, list.last, [...list]]).toEqual([0, undefined, undefined, []]);
    list.add(7);
    expect([...list]).toEqual([7]);
  });
});
