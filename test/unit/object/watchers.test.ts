import { describe, expect, it, vi } from "vitest";
import { Watchers } from "../../../src/object/watchers.ts";
import { settled } from "../../support/outcome.ts";

/** A condition that is false until the test says otherwise. */
function condition(key: string, lease?: number) {
  const isTrue = vi.fn(() => false);
  return { key, isTrue, ...(lease !== undefined && { lease }) };
}

describe("Watchers", () => {
  it("A condition is checked once when it comes, and from then on only when something has happened.", () => {
    const watchers = new Watchers();
    const awaited = condition("it");
    void watchers.watch(awaited, 100);
    for (const _ of [1, 2, 3]) watchers.check(0, []);
    expect(awaited.isTrue).toHaveBeenCalledTimes(1);
    watchers.check(0, [{}]);
    expect(awaited.isTrue).toHaveBeenCalledTimes(2);
  });

  it("A watcher gets what it waits for, or learns at its time that it has not come, and is then gone.", async () => {
    const watchers = new Watchers();
    const awaited = condition("it");
    const [patient, hasty] = [watchers.watch(awaited, 100), watchers.watch(awaited, 50)];
    expect([watchers.size, watchers.nextDue()]).toEqual([2, 50]);
    watchers.check(49);
    expect([await settled(patient), await settled(hasty)]).toEqual(["parked", "parked"]);
    watchers.check(50);
    expect([await settled(patient), await settled(hasty)]).toEqual(["parked", false]);
    awaited.isTrue.mockReturnValue(true);
    watchers.check(51);
    expect(await settled(patient)).toBe(true);
    expect([watchers.size, watchers.nextDue()]).toEqual([0, Infinity]);
  });

  it("A watcher without a time waits forever.", async () => {
    const watchers = new Watchers();
    const watching = watchers.watch(condition("it"));
    watchers.check(Number.MAX_SAFE_INTEGER);
    expect([await settled(watching), watchers.size]).toEqual(["parked", 1]);
  });

  it("G10 A condition that many watchers share is checked once for all of them.", async () => {
    const watchers = new Watchers();
    const awaited = condition("it");
    const watching = Array.from({ length: 100 }, () => watchers.watch(awaited));
    watchers.check(0);
    watchers.check(1);
    expect(awaited.isTrue).toHaveBeenCalledTimes(2);
    awaited.isTrue.mockReturnValue(true);
    watchers.check(2);
    expect(await Promise.all(watching)).toEqual(Array.from({ length: 100 }, () => true));
    expect(watchers.size).toBe(0);
  });

  it("G10 A condition on a lease is checked only after the events of that lease.", async () => {
    const watchers = new Watchers();
    const [one, two, any] = [condition("one", 1), condition("two", 2), condition("any")];
    const all = [watchers.watch(one), watchers.watch(two), watchers.watch(any)];
    watchers.check(0, []);
    for (const { isTrue } of [one, two, any]) isTrue.mockClear().mockReturnValue(true);
    watchers.check(1, [{ lease: 3 }]);
    expect([one, two, any].map(({ isTrue }) => isTrue.mock.calls.length)).toEqual([0, 0, 1]);
    watchers.check(2, [{ lease: 2 }, { lease: 2 }]);
    expect([one, two, any].map(({ isTrue }) => isTrue.mock.calls.length)).toEqual([0, 1, 1]);
    expect(await Promise.all(all.map(settled))).toEqual(["parked", true, true]);
    expect(watchers.size).toBe(1);
  });

  it("A watcher that comes while others wait for the same gets the same answer, and its own time.", async () => {
    const watchers = new Watchers();
    const awaited = condition("it", 7);
    const early = watchers.watch(awaited);
    watchers.check(0, []);
    const late = watchers.watch(condition("it", 7), 10);
    watchers.check(10, []);
    expect([await settled(early), await settled(late)]).toEqual(["parked", false]);
    awaited.isTrue.mockReturnValue(true);
    watchers.check(11, [{ lease: 7 }]);
    expect(await settled(early)).toBe(true);
  });
});
