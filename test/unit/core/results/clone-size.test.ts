import { describe, expect, it } from "vitest";
import { cloneSize } from "../../../../src/core/results/clone-size.ts";

const isLargerThan = (limit: number, value: unknown) => cloneSize(value, limit) > limit;

const cycle: unknown[] = [];
cycle.push(cycle, "x".repeat(1_000));
const shared = new Uint8Array(1_000);
let nested: unknown = "x".repeat(1_000);
for (let depth = 0; depth < 100_000; depth += 1) nested = [nested];

describe("Size of a structured clone", () => {
  it.each<[string, unknown, number, number]>([
    ["a string of one-byte characters", "é".repeat(1_000), 900, 1_010],
    ["a string of wider characters", "語".repeat(1_000), 1_900, 2_010],
    ["bytes", new Uint8Array(1_000), 900, 1_020],
    ["a view, which is written with its whole buffer", new Uint8Array(new ArrayBuffer(1_000), 0, 1), 900, 1_020],
    ["a buffer that occurs twice, which is written once", [shared, shared.buffer], 900, 1_020],
    ["fractions", Array.from({ length: 100 }, () => 0.5), 800, 1_010],
    ["a large integer", 2n ** 8_000n, 900, 1_010],
    ["keys", { ["k".repeat(1_000)]: 1 }, 900, 1_010],
    ["a map's keys and values", new Map([["k".repeat(500), "v".repeat(500)]]), 900, 1_020],
    ["a set", new Set(["x".repeat(1_000)]), 900, 1_010],
    ["an error's message", Object.assign(new Error("x".repeat(1_000)), { stack: "" }), 900, 1_030],
    ["a pattern", new RegExp("x".repeat(1_000)), 900, 1_010],
    ["a cycle", cycle, 900, 1_010],
    [
      "an error's own fields",
      Object.assign(new Error(""), { stack: "", ["k".repeat(500)]: "v".repeat(500) }),
      900,
      1_040,
    ],
    ["an array's fields", Object.assign([], { ["k".repeat(500)]: "v".repeat(500) }), 900, 1_020],
    ["holes, each of which counts as a byte", Object.assign([], { 4_000: "x".repeat(1_000) }), 4_900, 5_010],
  ])("The size of a structured clone counts %s.", (_what, value, less, most) => {
    expect(isLargerThan(less, value)).toBe(true);
    expect(isLargerThan(most, value)).toBe(false);
  });

  it("The size of a structured clone leaves out the holes of an array that is longer than the limit.", () => {
    expect(isLargerThan(2_000_000, Object.assign([], { 4_294_967_294: 1 }))).toBe(true);
  });

  it("The size of a structured clone is computed without recursion, however deeply the value is nested.", () => {
    expect(isLargerThan(300_000, nested)).toBe(true);
    expect(isLargerThan(600_000, nested)).toBe(false);
  });

  it("The size of a structured clone is computed without reading on once the limit is passed.", () => {
    const unread = {
      get second(): never {
        throw new Error("This was read.");
      },
    };
    expect(isLargerThan(10, [unread, "x".repeat(100)])).toBe(true);
  });

  it.each([undefined, null, true, 0, -0, "", [], {}, new Date(0)])(
    "The size of a structured clone is next to nothing for %s.",
    (value) => {
      expect(isLargerThan(0, value)).toBe(true);
      expect(isLargerThan(9, value)).toBe(false);
    },
  );
});
