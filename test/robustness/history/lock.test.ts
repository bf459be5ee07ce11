import { describe, expect, test } from "vitest";
import { check, judge } from "./check.ts";
import type { History } from "./records.ts";
import { REFUSED, cancelled, granted, paused, permitsOf, released, renewed, section, unanswered } from "./story.ts";

const guarantees = (history: History, tolerance?: number) =>
  check(history, tolerance).map(({ guarantee }) => guarantee);

describe("Histories of a correct lock", () => {
  const good: Record<string, History> = {
    "nothing at all": [],
    "a hand-over": [granted(1, [0, 10]), released(1, [100, 110]), granted(2, [0, 115])],
    "a waiter that learns about its grant before the release is answered": [
      granted(1, [0, 10]),
      released(1, [100, 200]),
      granted(2, [50, 150]),
    ],
    "a lease that expired, and the next one after it": [granted(1, [0, 10]), granted(2, [500, 1_001])],
    "a lease whose release was never answered": [granted(1, [0, 10]), released(1, [100]), granted(2, [0, 105])],
    "a lease whose request was cancelled": [granted(1, [0, 10]), cancelled("r1", [100]), granted(2, [0, 105])],
    "a lease that no caller learned about, between two others": [
      granted(1, [0, 10]),
      released(1, [20, 30]),
      unanswered("lost", 40),
      granted(7, [50, 1_100]),
    ],
    "a lease that is renewed again and again and then expires": [
      granted(1, [0, 10]),
      renewed(1, [300, 310]),
      renewed(1, [1_200, 1_210]),
      granted(2, [0, 2_300]),
    ],
    "a renewal without answer may have prolonged the lease": [
      granted(1, [0, 10]),
      renewed(1, [900]),
      renewed(1, [1_500, 1_510]),
    ],
    "a renewal for less may have arrived late": [
      granted(1, [0, 10]),
      renewed(1, [100], { ttl: 50 }),
      renewed(1, [200, 210]),
      granted(2, [0, 260]),
    ],
    "a renewal for less may have overtaken one for more": [
      granted(1, [0, 10]),
      renewed(1, [100, 400], { ttl: 50 }),
      renewed(1, [200, 210]),
      granted(2, [0, 275]),
    ],
    "a renewal for less may have come, and its repetition too late": [
      granted(1, [0, 10]),
      renewed(1, [100], { ttl: 50, requestId: "less" }),
      renewed(1, [200, 210], { ttl: 50, requestId: "less", ...REFUSED }),
    ],
    "a release repeated with the same request": [
      granted(1, [0, 10]),
      released(1, [100]),
      released(1, [5_000, 5_010]),
      granted(2, [0, 150]),
    ],
    "an acquire repeated, with the grant of the first attempt": [
      granted(1, [0]),
      granted(1, [600, 610], { validFor: 450 }),
      granted(2, [0, 1_100]),
    ],
    "readers beside each other, and permits within the capacity": [
      granted(1, [0, 10], { claim: permitsOf(1, null) }),
      granted(2, [0, 10], { claim: permitsOf(1, null) }),
      granted(3, [0, 20], { claim: permitsOf(2, 4) }),
    ],
    "an overlap after the signal fired": [
      granted(1, [0, 10]),
      section(1, [100, 880], { lost: 900, left: 1_500, settled: "lost" }),
      granted(2, [0, 1_005]),
      section(2, [1_010], { entered: 1_006 }),
    ],
    "a holder that goes on although its signal has fired": [
      granted(1, [0, 10]),
      section(1, [100, 1_010], { lost: 900 }),
      granted(2, [0, 1_005]),
    ],
    "a holder that was paused and did no step": [
      granted(1, [0, 10]),
      section(1, [100], { lost: 5_000, left: 5_000, settled: "lost" }),
      paused("a", 200, 5_000),
      granted(2, [0, 1_005]),
    ],
    "a section that was cut short by a crash": [granted(1, [0, 10]), section(1, [100, 700]), granted(2, [0, 1_005])],
    "a refusal to a holder whose lease had expired": [granted(1, [0, 10]), renewed(1, [1_005, 1_010], REFUSED)],
    "numbers out of order where the calls overlap": [
      granted(2, [0, 100], { claim: permitsOf(1, 2) }),
      granted(1, [0, 200], { claim: permitsOf(1, 2) }),
    ],
    "the same numbers on another lock": [granted(1, [0, 10]), granted(1, [20, 30], { lock: "other", requestId: "x" })],
  };
  test.each(Object.entries(good))("A correct lock explains this history: %s.", (_, history) =>
    expect(judge(history)).toEqual({ violations: [], late: [] }),
  );
});

describe("Histories of no correct lock", () => {
  const bad: Record<string, [guarantee: string, history: History]> = {
    "grants an exclusive lease beside a live one": ["G1", [granted(1, [0, 10]), granted(2, [20, 999])]],
    "grants beside a lease that is renewed afterwards": [
      "G1",
      [granted(1, [0, 10], { ttl: 50 }), renewed(1, [900]), renewed(1, [1_000, 1_010]), granted(2, [0, 990])],
    ],
    "grants beside a lease that was released later": [
      "G1",
      [granted(1, [0, 10], { ttl: 2_000 }), granted(2, [0, 300]), released(1, [301, 305])],
    ],
    "grants beside a lease that only its release shows to have lived on": [
      "G1",
      [granted(1, [0, 10]), renewed(1, [900]), granted(2, [0, 1_400]), released(1, [1_500, 1_510])],
    ],
    "admits a writer beside a reader": [
      "G1",
      [granted(1, [0, 10], { claim: permitsOf(1, null) }), granted(2, [0, 20])],
    ],
    "admits a reader beside a writer": [
      "G1",
      [granted(1, [0, 10]), granted(2, [0, 20], { claim: permitsOf(1, null) })],
    ],
    "gives out more permits than there are": [
      "G1",
      [1, 2, 3].map((lease) => granted(lease, [0, 10 * lease], { claim: permitsOf(2, 5) })),
    ],
    "lets a lease die before its time": ["G1", [granted(1, [0, 10]), renewed(1, [500, 510], REFUSED)]],
    "forgets a renewal": ["G1", [granted(1, [0, 10]), renewed(1, [900, 910]), released(1, [1_800, 1_810], REFUSED)]],
    "gives one number to two requests": [
      "G2",
      [granted(1, [0, 10]), released(1, [20, 30]), granted(1, [0, 50], { requestId: "other" })],
    ],
    "gives out numbers that go down": ["G2 G1", [granted(9, [0, 10]), released(9, [20, 30]), granted(8, [40, 50])]],
    "renews a lease that was released": ["G3", [granted(1, [0, 10]), released(1, [20, 30]), renewed(1, [40, 50])]],
    "releases a lease twice": [
      "G3",
      [granted(1, [0, 10]), released(1, [20, 30]), released(1, [40, 50], { requestId: "again" })],
    ],
    "renews a lease that it called dead": [
      "G3",
      [granted(1, [0, 10]), renewed(1, [1_020, 1_030], REFUSED), renewed(1, [1_040, 1_050])],
    ],
    "renews a lease whose time was over": ["G3", [granted(1, [0, 10]), renewed(1, [1_011, 1_020])]],
    "renews a lease whose time was over, whatever came later": [
      "G3",
      [granted(1, [0, 10]), renewed(1, [1_011, 1_020]), renewed(1, [1_100])],
    ],
    "releases a lease whose time was over": [
      "G3",
      [granted(1, [0, 10]), renewed(1, [500, 510]), released(1, [1_511, 1_512])],
    ],
    "answers a late duplicate with a lease that has ended": [
      "G3",
      [granted(1, [0, 10]), released(1, [20, 30]), granted(1, [40, 50], { validFor: 1_000 })],
    ],
    "takes the lock again for a late duplicate": [
      "G5",
      [granted(1, [0, 10]), released(1, [20, 30]), granted(2, [40, 50], { requestId: "r1" })],
    ],
    "lets a holder believe in its lease when another learns about its own": [
      "G6",
      [granted(1, [0, 10]), section(1, [100, 1_010]), granted(2, [500, 1_009])],
    ],
    "lets too many believe that they have permits": [
      "G6",
      [
        ...[1, 2].map((lease) => granted(lease, [0, 10], { claim: permitsOf(1, 2) })),
        section(1, [1_500]),
        section(2, [1_600]),
        granted(3, [500, 1_400], { claim: permitsOf(1, 2) }),
      ],
    ],
    "lets a step through that nothing delayed": [
      "G6",
      [granted(1, [0, 10]), section(1, [[990, 1_010]]), granted(2, [500, 1_005])],
    ],
    "lets another client's pause explain a step": [
      "G6",
      [granted(1, [0, 10]), section(1, [[990, 1_010]]), paused("b", 0, 2_000), granted(2, [500, 1_005])],
    ],
    "lets a pause explain that was shorter than the margin": [
      "G6",
      [granted(1, [0, 10]), section(1, [[940, 1_010]]), paused("a", 945, 1_008), granted(2, [500, 1_005])],
    ],
    "lets a pause explain that was over before the holder looked": [
      "G6",
      [granted(1, [0, 10]), section(1, [[990, 1_010]]), paused("a", 0, 980), granted(2, [500, 1_005])],
    ],
    "fulfils though the signal had fired": [
      "G7",
      [granted(1, [0, 10]), section(1, [100], { lost: 900, left: 950, settled: "fulfilled" })],
    ],
    "fulfils though another was granted meanwhile": [
      "G7",
      [granted(1, [0, 10]), section(1, [100], { left: 1_200, settled: "fulfilled" }), granted(2, [0, 1_100])],
    ],
    "calls work protected that was not, where it could not be released": [
      "G7",
      [granted(1, [0, 10]), section(1, [100], { left: 1_200, settled: "unconfirmed" }), granted(2, [0, 1_100])],
    ],
  };
  test.each(Object.entries(bad))("No correct lock %s.", (_, [guarantee, history]) =>
    expect(guarantees(history)).toEqual(guarantee.split(" ")),
  );

  test("A violation names the lock and shows the records.", () => {
    const [first, second] = [granted(1, [0, 10]), granted(2, [20, 30])];
    const [violation] = check([first, second]);
    expect(violation).toMatchObject({ lock: "lock", message: expect.stringContaining("Lease 2") });
    expect(violation?.records).toEqual([second, first]);
  });
});

describe("Late step", () => {
  const overtaken = [granted(1, [0, 10]), section(1, [[890, 3_000]]), granted(2, [500, 1_005])];

  test("A late step is counted and is no violation if its process was paused.", () => {
    const { violations, late } = judge([...overtaken, paused("a", 891, 2_999)]);
    expect(violations).toEqual([]);
    expect(late).toMatchObject([{ why: "paused", step: { checked: 890, at: 3_000 } }]);
  });

  test("A late step is counted separately if the machine stalled it for longer than its margin.", () => {
    const stalled = { violations: [], late: [{ why: "stalled" }] };
    expect(judge([...overtaken, paused("a", 0, 500), paused("b", 0, 9_000)])).toMatchObject(stalled);
  });

  test("A late step is counted once, however many leases were granted since.", () => {
    expect(judge([...overtaken, granted(3, [1_200, 2_100])]).late).toHaveLength(1);
  });

  test("A late step does no harm to a fenced resource.", () => {
    const history = [granted(1, [0, 10]), section(1, [[890, 3_000]], { fenced: true }), granted(2, [500, 1_005])];
    expect(judge(history)).toEqual({ violations: [], late: [] });
  });
});

describe("Clocks that differ", () => {
  test("A tolerance forgives clocks that differ by that much.", () => {
    const history = [granted(1, [0, 10]), granted(2, [500, 997])];
    expect(guarantees(history)).toEqual(["G1"]);
    expect(guarantees(history, 5)).toEqual([]);
  });

  test("A tolerance forgives clocks that differ by no more than it says.", () => {
    expect(guarantees([granted(1, [0, 10]), granted(2, [500, 990])], 5)).toEqual(["G1"]);
    expect(guarantees([granted(1, [0, 10]), renewed(1, [1_016, 1_020])], 5)).toEqual(["G3"]);
  });
});
