import { describe, expect, it } from "vitest";
import { LIMITS } from "../../../src/core/limits.ts";
import { Tie } from "../../../src/object/exit-watch.ts";
import { Ties } from "../../../src/object/exit-watches.ts";

describe("the ties of leases", () => {
  const live = () => true;

  it("hold a lease until the last is gone", () => {
    const ties = new Ties();
    const [one, other] = [new Tie(() => {}), new Tie(() => {})];
    ties.add(1, one, live);
    ties.add(1, other, live);
    ties.remove(1, one);
    ties.remove(1, one);
    ties.remove(2, other);
    expect(ties.has(1)).toBe(true);
    ties.remove(1, other);
    expect(ties.has(1)).toBe(false);
  });

  it("G9 are a hundred of a lease at most, and the first is lost", () => {
    const ties = new Ties();
    const all = Array.from({ length: 101 }, () => new Tie(() => {}));
    for (const tie of all.slice(0, 100)) ties.add(1, tie, live);
    for (const tie of all.slice(1, 100)) ties.remove(1, tie);
    expect(ties.has(1)).toBe(true);
    for (const tie of all.slice(1, 101)) ties.add(1, tie, live);
    for (const tie of all.slice(1, 101)) ties.remove(1, tie);
    expect(ties.has(1)).toBe(false);
  });

  it("G9 are dropped with their leases, once there are more than can live", () => {
    const ties = new Ties();
    for (let lease = 1; lease <= LIMITS.maxLeases; lease += 1) ties.add(lease, new Tie(() => {}), () => false);
    expect(ties.has(1)).toBe(true);
    ties.add(LIMITS.maxLeases + 1, new Tie(() => {}), (lease) => lease > LIMITS.maxLeases);
    expect([ties.has(1), ties.has(LIMITS.maxLeases), ties.has(LIMITS.maxLeases + 1)]).toEqual([false, false, true]);
  });
});
