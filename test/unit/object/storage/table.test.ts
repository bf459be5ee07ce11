import { runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
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

describe("G8 a table", () => {
  it("is made with the first row, of all its columns, and written to by one statement from then on", async () => {
    await inside((sql) => {
      const table = new Table(sql, SHAPE);
      expect([table.exists, table.rows()]).toEqual([false, []]);
      table.put(ROW);
      expect([table.exists, table.rows()]).toEqual([true, [ROW]]);
      const exec = vi.spyOn(sql, "exec");
      table.put({ ...ROW, thing: 8 });
      expect(exec).toHaveBeenCalledOnce();
      expect(table.rows()).toEqual([{ ...ROW, thing: 8 }]);
    });
  });

  it("of an older version gets the columns that it lacks with the first row, once", async () => {
    await inside((sql) => {
      sql.exec("CREATE TABLE things (slot INTEGER PRIMARY KEY, thing INTEGER)");
      sql.exec("INSERT INTO things VALUES (2, 5)");
      const table = new Table(sql, SHAPE);
      expect(table.rows()).toEqual([{ slot: 2, thing: 5 }]);
      table.put(ROW);
      const exec = vi.spyOn(sql, "exec");
      table.put({ ...ROW, thing: 8 });
      expect(exec).toHaveBeenCalledOnce();
      expect(table.rows()).toEqual([
        { ...ROW, thing: 8 },
        { slot: 2, thing: 5, note: null },
      ]);
    });
  });

  it("of a newer version keeps what that knows of a thing, until the row is another thing's", async () => {
    await inside((sql) => {
      sql.exec("CREATE TABLE things (slot INTEGER PRIMARY KEY, thing INTEGER, note TEXT, later TEXT)");
      sql.exec("INSERT INTO things VALUES (1, 7, 'x', 'kept')");
      const table = new Table(sql, SHAPE);
      table.put({ ...ROW, note: "y" });
      expect(table.rows()).toEqual([{ ...ROW, note: "y", later: "kept" }]);
      table.put({ ...ROW, thing: 8 });
      expect(table.rows()).toEqual([{ ...ROW, thing: 8, later: null }]);
    });
  });

  it("of another kind is set aside with the first row, and costs nothing from then on", async () => {
    await inside((sql) => {
      vi.spyOn(console, "error").mockImplementation(() => {});
      sql.exec("CREATE TABLE things (a TEXT, b TEXT, c TEXT, d TEXT)");
      const table = new Table(sql, SHAPE);
      expect([table.exists, table.rows()]).toEqual([true, []]);
      table.put(ROW);
      const exec = vi.spyOn(sql, "exec");
      table.put({ ...ROW, thing: 8 });
      expect(exec).toHaveBeenCalledOnce();
    });
  });

  it("that was wiped is made again", async () => {
    await inside((sql) => {
      const table = new Table(sql, SHAPE);
      table.put(ROW);
      sql.exec("DROP TABLE things");
      table.forget();
      expect([table.exists, table.rows()]).toEqual([false, []]);
      table.put({ ...ROW, thing: 9 });
      expect(table.rows()).toEqual([{ ...ROW, thing: 9 }]);
    });
  });
});
