import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { Generation } from "../../../src/core/rendezvous/barrier-state.ts";
import { RendezvousStorage } from "../../../src/object/storage/rendezvous-storage.ts";
import { SqliteStorage } from "../../../src/object/storage/sqlite-storage.ts";
import { freshId } from "../../support/locks.ts";

const NOW = 1_800_000_000_000;

/** Runs `work` on the storage of a new object. */
const onStorage = (work: (storage: DurableObjectStorage) => void | Promise<void>): Promise<void> =>
  runInDurableObject(env.DURABLE_RENDEZVOUS.getByName(freshId()), (_object, { storage }) => work(storage));

const rowsOf = (storage: DurableObjectStorage) => new RendezvousStorage(new SqliteStorage(storage));

const met = (generation: number, why?: Generation["why"]): Generation => ({
  generation,
  why,
  members: [`m${generation}`],
});
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);
const slots = (sql: SqlStorage) =>
  sql
    .exec("SELECT slot, generation FROM meetings ORDER BY slot")
    .toArray()
    .map(({ slot, generation }) => [slot, generation]);

/** A table that accepts any value, as only damage could leave it. */
function store(sql: SqlStorage, table: string, columns: string, rows: unknown[][]): void {
  const [key, ...others] = columns.split(", ");
  sql.exec(`CREATE TABLE ${table} (${key} PRIMARY KEY NOT NULL, ${others.join(", ")}) WITHOUT ROWID`);
  for (const row of rows) sql.exec(`INSERT INTO ${table} VALUES (${row.map(() => "?").join(", ")})`, ...row);
}

describe("The rows of a latch or a barrier", () => {
  it("The tables of a latch or a barrier exist from the first row until they are wiped.", async () => {
    await onStorage(async (storage) => {
      const sqlite = new SqliteStorage(storage);
      const latch = new RendezvousStorage(sqlite);
      expect(latch.exists).toBe(false);
      latch.writeCountDown({ requestId: "a", count: 2, by: 1 }, NOW);
      expect(latch.exists).toBe(true);
      await sqlite.wipe();
      expect(latch.exists).toBe(false);
      latch.writeCountDown({ requestId: "a", count: 2, by: 1 }, NOW);
      expect(latch.countDowns()).toHaveLength(1);
    });
    await onStorage(async (storage) => {
      const sqlite = new SqliteStorage(storage);
      const barrier = new RendezvousStorage(sqlite);
      barrier.writeGeneration(met(1), NOW);
      barrier.writeGeneration(met(2), NOW);
      expect(barrier.exists).toBe(true);
      await sqlite.wipe();
      barrier.forget();
      expect(barrier.exists).toBe(false);
      barrier.writeGeneration(met(3), NOW);
      expect(slots(storage.sql)).toEqual([[0, 3]]);
    });
  });

  it("G9: The last eight large generations are kept, and a new one replaces the oldest, also after a restart.", async () => {
    const members = Array.from({ length: 125 }, (_, n) => `m${n}`);
    await onStorage((stored) => {
      const { sql } = stored;
      const before = rowsOf(stored);
      for (const generation of range(1, 10)) before.writeGeneration({ ...met(generation), members }, NOW);
      expect(slots(sql)).toEqual([[0, 9], [1, 10], ...range(3, 8).map((generation) => [generation - 1, generation])]);
      const after = rowsOf(stored);
      expect(after.generations().map(({ generation }) => generation)).toEqual(range(3, 10));
      after.writeGeneration({ ...met(11), members }, NOW);
      expect(after.generations().map(({ generation }) => generation)).toEqual(range(4, 11));
    });
  });

  it("G9: Small generations of a thousand arrivals are kept, also after a restart and after large ones.", async () => {
    const pair = (generation: number) => ({ ...met(generation), members: ["one", "other"] });
    await onStorage((stored) => {
      const before = rowsOf(stored);
      for (const generation of range(1, 501)) before.writeGeneration(pair(generation), NOW);
      const after = rowsOf(stored);
      expect(after.generations().map(({ generation }) => generation)).toEqual(range(2, 501));
      const members = Array.from({ length: 1_000 }, (_, n) => `m${n}`);
      for (const generation of range(502, 520)) after.writeGeneration({ ...met(generation), members }, NOW);
      expect(after.generations()).toHaveLength(500);
      const large = after.generations().filter((generation) => generation.members.length === 1_000);
      expect(large.map(({ generation }) => generation)).toEqual(range(513, 520));
    });
  });

  it("Rows tell why a barrier broke, and an unknown reason of a newer version still counts as one.", async () => {
    await onStorage((stored) => {
      const { sql } = stored;
      const storage = rowsOf(stored);
      for (const [n, why] of ([undefined, "died", "timeout", "aborted"] as const).entries())
        storage.writeGeneration(met(n + 1, why), NOW);
      sql.exec("INSERT INTO meetings VALUES (7, 9, 'bored', '[]', 0)");
      expect(storage.generations().map(({ why }) => why)).toEqual([undefined, "died", "timeout", "aborted", "died"]);
    });
  });

  it("Rows tell when they were last used, whatever damaged rows say.", async () => {
    await onStorage((stored) => {
      const { sql } = stored;
      const storage = rowsOf(stored);
      storage.writeCountDown({ requestId: "a", count: 2, by: 1 }, NOW + 5);
      storage.writeCountDown({ requestId: "b", count: 2, by: 1 }, NOW);
      storage.writeGeneration(met(1), NOW + 3);
      sql.exec("INSERT INTO count_downs VALUES ('c', 2, 1, 'never')");
      expect(storage.lastUse()).toBe(NOW + 5);
    });
  });

  it("Damaged generations are remembered by their number, and the next one finds a slot.", async () => {
    await onStorage((stored) => {
      const { sql } = stored;
      store(sql, "meetings", "slot, generation, why, members, at", [
        ["x", 9, null, '["a", "b"]', 0],
        [1, 3, null, '{"a": 1}', 0],
        [2, 4, null, '["a", 7]', 0],
        [3, 5, null, "not JSON", 0],
        [4, "six", null, '["c"]', 0],
        [-6, 2, null, '"text"', 0],
      ]);
      const storage = rowsOf(stored);
      expect(storage.generations().map(({ generation, members }) => [generation, members])).toEqual([
        [2, []],
        [3, []],
        [4, []],
        [5, []],
        [9, ["a", "b"]],
      ]);
      storage.writeGeneration(met(10), NOW);
      expect(slots(sql)).toContainEqual([0, 10]);
    });
  });

  it("Damaged count-downs are ignored.", async () => {
    await onStorage((stored) => {
      const { sql } = stored;
      store(sql, "count_downs", "request, count, by, at", [
        ["least", 1, 1, 0],
        ["most", 10_000, 10_000, 0],
        [7, 3, 1, 0],
        ["too many", 10_001, 1, 0],
        ["none", 0, 0, 0],
        ["broken", 2.5, 1, 0],
        ["text", "3", 1, 0],
        ["by none", 3, 0, 0],
        ["by more", 3, 4, 0],
        ["by half", 3, 0.5, 0],
        ["by text", 3, "1", 0],
      ]);
      const counted = rowsOf(stored)
        .countDowns()
        .map(({ requestId }) => requestId);
      expect(counted).toEqual(["least", "most"]);
    });
  });
});
