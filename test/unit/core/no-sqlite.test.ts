import { runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { isNoSqlite, sqlOf } from "../../../src/core/no-sqlite.ts";
import { fenceStorage } from "../../../src/index.ts";
import { freshId, stubOf } from "../../support/locks.ts";

describe("G11 storage that fails", () => {
  const fault = Object.assign(new Error("The storage was reset."), { retryable: true });
  const fail = (): never => {
    throw fault;
  };
  const failing = {
    get databaseSize(): number {
      return fail();
    },
  };

  it("A fault of the storage is not blamed on a class without SQLite: it stays what it is and can be retried.", () => {
    expect(() => sqlOf({ sql: failing })).toThrow(fault);
    expect(isNoSqlite(fault)).toBe(false);
  });

  it("fenceStorage does not blame a fault of the storage on a class without SQLite.", async () => {
    await runInDurableObject(stubOf(freshId()), (_lock, state) => {
      const transactionSync = state.storage.transactionSync.bind(state.storage);
      const storage = { sql: failing, kv: { get: fail }, transactionSync } as unknown as DurableObjectStorage;
      expect(() => fenceStorage(storage, "file", 1, () => {})).toThrow(fault);
    });
  });
});
