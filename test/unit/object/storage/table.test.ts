import { runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Row } from "../../../../src/object/storage/object-storage.ts";
import { Table } from "../../../../src/object/storage/table.ts";
import { freshId, stubOf } from "../../../support/locks.ts";

const SHAPE = {
  name: "things",
  columns: { slot: "INTEGER PRIMARY KEY", thing: "INTEGER" },
  added: { note: "TEXT" },
  about: "thing",
};
const ROW = { slot: 1, thing: 7, note: "x" };

const inside = (work: (sql: SqlStorage) => void) =>
  runInDurableObject(stubOf(freshId()), (_lock, { storage }) => work(storage.sql));

afterEach(() => void vi.restoreAllMocks());

describe("G8 tables", () => {
  it("A table is created with the first row and all its columns, and then takes one statement per write.", async () => {
    await inside((sql) => {
      const table = new Table(sql, SHAPE);
      expect([table.exists, [...table.rows()]]).toEqual([false, []]);
      table.put(ROW);
      expect([table.exists, [...table.rows()]]).toEqual([true, [ROW]]);
      const exec = vi.spyOn(sql, "exec");
      table.put({ ...ROW, thing: 8 });
      expect(exec).toHaveBeenCalledOnce();
      expect([...table.rows()]).toEqual([{ ...ROW, thing: 8 }]);
    });
  });

  it("Of a row that was written before, a table writes only the columns that have changed, and a row is never read.", async () => {
    await inside((sql) => {
      const table = new Table(sql, SHAPE);
      table.put(ROW);
      const exec = vi.spyOn(sql, "exec");
      for (const row of [
        { ...ROW, thing: 8 },
        { ...ROW, thing: 8, note: null },
        { ...ROW, thing: 8, note: null },
      ]) {
        table.put(row);
        expect([...table.rows()]).toEqual([row]);
      }
      const writes = exec.mock.calls.filter(([query]) => query.startsWith("INSERT"));
      expect(writes.map(([, ...values]) => values)).toEqual([
        [1, 8],
        [1, null],
        [1, 8, null],
      ]);
      const cursors = exec.mock.results.map(({ value }) => value as SqlStorageCursor<Row>);
      const costs = cursors.map(({ rowsRead, rowsWritten }) => [rowsRead, rowsWritten]);
      expect(costs.filter(([, written]) => written)).toEqual([
        [0, 1],
        [0, 1],
        [0, 1],
      ]);
    });
  });

  it("A row that is reused is written whole after a restart, and its columns are not taken from another row.", async () => {
    await inside((sql) => {
      new Table(sql, SHAPE).put({ ...ROW, slot: 2, note: "other" });
      new Table(sql, SHAPE).put(ROW);
      const table = new Table(sql, SHAPE);
      table.put({ ...ROW, note: "y" });
      expect([...table.rows()]).toEqual([
        { ...ROW, note: "y" },
        { ...ROW, slot: 2, note: "other" },
      ]);
    });
  });

  it("A table of an older version gets its missing columns with the first row, once.", async () => {
    await inside((sql) => {
      sql.exec("CREATE TABLE things (slot INTEGER PRIMARY KEY, thing INTEGER)");
      sql.exec("INSERT INTO things VALUES (2, 5)");
      const table = new Table(sql, SHAPE);
      expect([...table.rows()]).toEqual([{ slot: 2, thing: 5 }]);
      table.put(ROW);
      const exec = vi.spyOn(sql, "exec");
      table.put({ ...ROW, thing: 8 });
      expect(exec).toHaveBeenCalledOnce();
      expect([...table.rows()]).toEqual([
        { ...ROW, thing: 8 },
        { slot: 2, thing: 5, note: null },
      ]);
    });
  });

  it("A table of a newer version keeps its extra columns until the row belongs to another thing.", async () => {
    await inside((sql) => {
      sql.exec("CREATE TABLE things (slot INTEGER PRIMARY KEY, thing INTEGER, note TEXT, later TEXT)");
      sql.exec("INSERT INTO things VALUES (1, 7, 'x', 'kept')");
      const table = new Table(sql, SHAPE);
      table.put({ ...ROW, note: "y" });
      expect([...table.rows()]).toEqual([{ ...ROW, note: "y", later: "kept" }]);
      table.put({ ...ROW, thing: 8 });
      expect([...table.rows()]).toEqual([{ ...ROW, thing: 8, later: null }]);
    });
  });

  it("A table of another kind is set aside with the first row, and costs nothing from then on.", async () => {
    await inside((sql) => {
      vi.spyOn(console, "error").mockImplementation(() => {});
      sql.exec("CREATE TABLE things (a TEXT, b TEXT, c TEXT, d TEXT)");
      const table = new Table(sql, SHAPE);
      expect([table.exists, [...table.rows()]]).toEqual([true, []]);
      table.put(ROW);
      const exec = vi.spyOn(sql, "exec");
      table.put({ ...ROW, thing: 8 });
      expect(exec).toHaveBeenCalledOnce();
    });
  });

  it("A table that was wiped is created again.", async () => {
    await inside((sql) => {
      const table = new Table(sql, SHAPE);
      table.put(ROW);
      sql.exec("DROP TABLE things");
      table.forget();
      expect([table.exists, [...table.rows()]]).toEqual([false, []]);
      table.put({ ...ROW, thing: 9 });
      expect([...table.rows()]).toEqual([{ ...ROW, thing: 9 }]);
    });
  });
});
