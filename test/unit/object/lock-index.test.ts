import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { LockIndex } from "../../../src/service.ts";
import { freshId } from "../../support/locks.ts";

const DAY = 86_400_000;
const NOW = Date.now();

/** Runs on a new index, in its own storage. */
const inside = (work: (index: LockIndex, storage: DurableObjectStorage, again: () => LockIndex) => Promise<void>) =>
  runInDurableObject(env.LOCK_INDEX.getByName(freshId()), (_index, state) => {
    const again = () => new LockIndex(state, env);
    return work(again(), state.storage, again);
  });

const setClock = (ms: number) => void vi.spyOn(Date, "now").mockReturnValue(NOW + ms);
const seen = ({ sql }: DurableObjectStorage) => sql.exec("SELECT id, seen FROM ids ORDER BY id").toArray();

afterEach(() => void vi.restoreAllMocks());

describe("Lock index", () => {
  it("The lock index writes an id at its first use, and at most once a day from then on.", async () => {
    await inside(async (index, storage) => {
      setClock(0);
      await index.add("a");
      setClock(DAY);
      await index.add("a");
      expect(seen(storage)).toEqual([{ id: "a", seen: NOW }]);
      setClock(DAY + 1);
      await index.add("a");
      expect(seen(storage)).toEqual([{ id: "a", seen: NOW + DAY + 1 }]);
    });
  });

  it("The lock index sets its alarm a day ahead, once.", async () => {
    await inside(async (index, storage) => {
      const [set, get] = [vi.spyOn(storage, "setAlarm"), vi.spyOn(storage, "getAlarm")];
      setClock(0);
      await index.add("a");
      await index.add("b");
      expect(set.mock.calls).toEqual([[NOW + DAY]]);
      expect(get).toHaveBeenCalledTimes(2);
      // No id was written, so there is nothing new for an alarm to clean up.
      await index.add("b");
      expect(get).toHaveBeenCalledTimes(2);
      expect(set).toHaveBeenCalledOnce();
    });
  });

  it("The lock index forgets ids unused for thirty days, and sets its alarm again for the rest.", async () => {
    await inside(async (index, storage) => {
      setClock(0);
      await index.add("old");
      setClock(1);
      await index.add("young");
      const set = vi.spyOn(storage, "setAlarm");
      setClock(30 * DAY);
      await index.alarm();
      expect(seen(storage).map(({ id }) => id)).toEqual(["old", "young"]);
      setClock(30 * DAY + 1);
      await index.alarm();
      expect(seen(storage).map(({ id }) => id)).toEqual(["young"]);
      expect(set.mock.calls).toEqual([[NOW + 31 * DAY], [NOW + 31 * DAY + 1]]);
    });
  });

  it("The lock index sets no alarm when no id is left.", async () => {
    await inside(async (index, storage) => {
      setClock(0);
      await index.add("old");
      await storage.deleteAlarm();
      setClock(31 * DAY);
      await index.alarm();
      expect(seen(storage)).toEqual([]);
      expect(await storage.getAlarm()).toBeNull();
    });
  });

  it("The lock index creates its table once, whichever call comes first.", async () => {
    for (const first of [(index: LockIndex) => index.list("", "", 10), (index: LockIndex) => index.alarm()])
      await inside(async (index, storage) => {
        await first(index);
        expect(seen(storage)).toEqual([]);
      });
    await inside(async (index, storage, again) => {
      await index.add("a");
      const exec = vi.spyOn(storage.sql, "exec");
      expect(await index.list("", "", 10)).toEqual(["a"]);
      expect(exec).toHaveBeenCalledOnce();
      expect(await again().list("", "", 10)).toEqual(["a"]);
    });
  });
});
