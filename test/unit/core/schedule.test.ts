import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Schedule } from "../../../src/core/schedule.ts";

describe("Schedule", () => {
  it("A schedule is due with its earliest item, and never if it is empty.", () => {
    const schedule = new Schedule<string>();
    expect(schedule.first()).toBe(Infinity);
    schedule.set("late", 20);
    schedule.set("early", 10);
    expect(schedule.first()).toBe(10);
    schedule.set("early", 30);
    expect(schedule.first()).toBe(20);
    schedule.delete("late");
    expect(schedule.first()).toBe(30);
    schedule.clear();
    expect(schedule.first()).toBe(Infinity);
  });

  it("A schedule takes out what is due, earliest first, and at equal times in the order of scheduling.", () => {
    const schedule = new Schedule<string>();
    for (const [item, at] of [
      ["c", 3],
      ["b", 2],
      ["a", 2],
      ["d", 4],
    ] as const)
      schedule.set(item, at);
    expect(schedule.takeDue(3)).toEqual(["b", "a", "c"]);
    expect(schedule.takeDue(3)).toEqual([]);
    expect(schedule.first()).toBe(4);
  });

  it("A schedule agrees with a plain list, also when it clears out its outdated entries.", () => {
    const step = fc.record({
      do: fc.constantFrom("set" as const, "set" as const, "set" as const, "delete" as const, "take" as const),
      item: fc.nat(9),
      at: fc.nat(1_000),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 500, size: "max" }), (steps) => {
        const [schedule, plain] = [new Schedule<number>(), new Map<number, number>()];
        for (const { do: what, item, at } of steps) {
          if (what === "set") {
            schedule.set(item, at);
            plain.set(item, at);
          } else if (what === "delete") {
            schedule.delete(item);
            plain.delete(item);
          } else {
            const due = [...plain].filter(([, dueAt]) => dueAt <= at / 10).map(([dueItem]) => dueItem);
            const taken = schedule.takeDue(at / 10);
            expect(taken).toHaveLength(due.length);
            expect(new Set(taken)).toEqual(new Set(due));
            for (const dueItem of due) plain.delete(dueItem);
          }
          expect(schedule.first()).toBe(Math.min(...plain.values()));
        }
      }),
    );
  });
});
