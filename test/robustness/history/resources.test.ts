import { describe, expect, test } from "vitest";
import { check, judge } from "./check.ts";
import type { History } from "./records.ts";
import { asked, granted, paused, run, section, write } from "./story.ts";

const messages = (history: History) => check(history).map(({ guarantee, message }) => `${guarantee}: ${message}`);

describe("Fenced resource", () => {
  const REFUSED = { accepted: false };

  test("A fenced resource takes writes whose numbers never go down, and refuses the others.", () => {
    const writes = [write(1, 5), write(2, 5), write(3, 9), write(4, 5, REFUSED), write(5, 9)];
    expect(messages(writes.toReversed())).toEqual([]);
  });

  test("A fenced resource must not accept a late write.", () => {
    const late = [write(1, 5), write(2, 9), write(3, 5)];
    expect(messages([...late, paused("a", 0, 99)])).toEqual([expect.stringContaining("fence: A write under lease 5")]);
  });

  test("A fenced resource keeps its highest number after a late write.", () => {
    expect(messages([write(1, 9), write(2, 5), write(3, 7)])).toHaveLength(2);
  });

  test("A fenced resource must not refuse the newest write.", () => {
    expect(messages([write(1, 5), write(2, 9, REFUSED)])).toEqual([expect.stringContaining("fence: ")]);
  });

  test("A fenced resource is separate from any other.", () =>
    expect(messages([write(1, 9), write(2, 5, { resource: "other" })])).toEqual([]));
});

describe("Resource without a fence", () => {
  const UNFENCED = { fenced: false };
  const overtaken = [
    granted(1, [0, 10]),
    granted(2, [500, 1_005], { client: "b" }),
    section(2, [1_010], { client: "b", entered: 1_006 }),
    write(1, 2, { ...UNFENCED, client: "b", checked: 1_010 }),
    write(2, 1, { ...UNFENCED, checked: 890 }),
  ];

  test("A resource without a fence may get a late write from a paused client.", () => {
    const history = [...overtaken, section(1, [[890, 3_000]]), paused("a", 891, 2_999)];
    expect(judge(history)).toMatchObject({ violations: [], late: [{ why: "paused" }] });
  });

  test("A resource without a fence may get a late write from a client that was killed before it recorded its step.", () => {
    expect(messages([...overtaken, section(1, []), paused("a", 891, 2_999)])).toEqual([]);
  });

  test("A resource without a fence must not get a late write from a client that nothing delayed.", () => {
    const order = "came after one under 2, and nothing had delayed it";
    expect(messages([...overtaken, section(1, [])])).toEqual([expect.stringContaining(order)]);
    expect(messages([...overtaken, section(1, [890])])).toEqual([expect.stringContaining(order)]);
  });
});

describe("Job that runs once", () => {
  const good: Record<string, History> = {
    "gives its result to all": [
      run("x", 0, 50),
      asked("x", [0, 60], "x"),
      asked("b", [20, 62], "x"),
      asked("c", [900, 950], "x"),
    ],
    "runs again where its runner died": [
      run("x", 0),
      asked("x", [0]),
      run("y", 1_000, 1_050),
      asked("y", [0, 1_060], "y"),
    ],
    "runs again where its result was not recorded": [
      run("x", 0, 50),
      asked("x", [0, 2_000]),
      run("y", 1_001, 1_050),
      asked("y", [0, 1_060], "y"),
    ],
    "runs again when its result's time has ended": [
      run("x", 0, 50),
      asked("x", [0, 60], "x"),
      run("y", 1_055, 1_080),
      asked("y", [1_000, 1_090], "y"),
    ],
    "gives a result whose runner never heard that it was recorded": [
      run("x", 0, 50),
      asked("x", [0]),
      asked("b", [0, 70], "x"),
    ],
    "runs in vain beside another run whose result counts": [run("x", 0), run("y", 40, 50), asked("y", [0, 60], "y")],
  };
  test.each(Object.entries(good))("A job that runs once %s.", (_, history) => expect(messages(history)).toEqual([]));

  const bad: Record<string, [message: string, history: History]> = {
    "two results": [
      "y was recorded while x was kept",
      [run("x", 0, 50), asked("x", [0, 60], "x"), run("y", 55, 80), asked("b", [0, 90], "y")],
    ],
    "a run beside a result": [
      "a run began while x was kept",
      [run("x", 0, 50), asked("x", [0, 60], "x"), run("y", 61)],
    ],
    "a result that is forgotten early": [
      "y was recorded while x was kept",
      [run("x", 0, 50), asked("x", [0, 60], "x"), run("y", 1_045, 1_046), asked("b", [0, 1_060], "y")],
    ],
    "a result that no run came to": ["x was given, and no run", [run("x", 0), asked("b", [0, 60], "x")]],
    "a result before its run had ended": ["x was given, and no run", [run("x", 0, 50), asked("b", [0, 40], "x")]],
    "a result after its time": [
      "x was given after its time",
      [run("x", 0, 50), asked("x", [0, 60], "x"), asked("b", [1_061, 1_070], "x")],
    ],
  };
  test.each(Object.entries(bad))("A job that runs once never has %s.", (_, [message, history]) => {
    const [first, ...more] = new Set(messages(history));
    expect(first).toContain(`once: Job job: `);
    expect([first, ...more].some((told) => told?.includes(message))).toBe(true);
  });
});
