import { describe, expect, it, vi } from "vitest";
import { Watchers } from "../../../src/object/watchers.ts";
import { settled } from "../../support/outcome.ts";

describe("watchers", () => {
  it("are looked at once when they come, and from then on only when something has happened", () => {
    const watchers = new Watchers();
    const find = vi.fn();
    void watchers.watch(find, 100);
    for (const _ of [1, 2, 3]) watchers.check(0, false);
    expect(find).toHaveBeenCalledTimes(1);
    watchers.check(0, true);
    expect(find).toHaveBeenCalledTimes(2);
  });

  it("are told what they wait for, or at their time that it has not come, and are gone then", async () => {
    const watchers = new Watchers();
    let news: string | undefined;
    const [patient, hasty] = [watchers.watch(() => news, 100), watchers.watch(() => news, 50)];
    expect([watchers.size, watchers.nextDue()]).toEqual([2, 50]);
    watchers.check(49);
    expect([await settled(patient), await settled(hasty)]).toEqual(["parked", "parked"]);
    watchers.check(50);
    expect([await settled(patient), await settled(hasty)]).toEqual(["parked", undefined]);
    news = "news";
    watchers.check(51);
    expect(await settled(patient)).toBe("news");
    expect([watchers.size, watchers.nextDue()]).toEqual([0, Infinity]);
  });

  it("without a time wait forever", async () => {
    const watchers = new Watchers();
    const watching = watchers.watch(() => undefined);
    watchers.check(Number.MAX_SAFE_INTEGER);
    expect([await settled(watching), watchers.size]).toEqual(["parked", 1]);
  });
});
