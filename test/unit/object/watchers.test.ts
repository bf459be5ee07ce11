import { describe, expect, it, vi } from "vitest";
import { Watchers } from "../../../src/object/watchers.ts";
import { settled } from "../../support/outcome.ts";

describe("Watchers", () => {
  it("A watcher is checked once when it comes, and from then on only when something has happened.", () => {
    const watchers = new Watchers();
    const find = vi.fn();
    void watchers.watch(find, 100);
    for (const _ of [1, 2, 3]) watchers.check(0, false);
    expect(find).toHaveBeenCalledTimes(1);
    watchers.check(0, true);
    expect(find).toHaveBeenCalledTimes(2);
  });

  it("A watcher gets what it waits for, or learns at its time that it has not come, and is then gone.", async () => {
    const watchers = new Watchers();
    let found: string | undefined;
    const [patient, hasty] = [watchers.watch(() => found, 100), watchers.watch(() => found, 50)];
    expect([watchers.size, watchers.nextDue()]).toEqual([2, 50]);
    watchers.check(49);
    expect([await settled(patient), await settled(hasty)]).toEqual(["parked", "parked"]);
    watchers.check(50);
    expect([await settled(patient), await settled(hasty)]).toEqual(["parked", undefined]);
    found = "event";
    watchers.check(51);
    expect(await settled(patient)).toBe("event");
    expect([watchers.size, watchers.nextDue()]).toEqual([0, Infinity]);
  });

  it("A watcher without a time waits forever.", async () => {
    const watchers = new Watchers();
    const watching = watchers.watch(() => undefined);
    watchers.check(Number.MAX_SAFE_INTEGER);
    expect([await settled(watching), watchers.size]).toEqual(["parked", 1]);
  });
});
