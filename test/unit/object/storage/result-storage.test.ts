import { runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { LIMITS } from "../../../../src/core/limits.ts";
import { ResultStorage } from "../../../../src/object/storage/result-storage.ts";
import { freshId, stubOf } from "../../../support/locks.ts";

const INFO = { lease: 7, fingerprint: "abc", failed: false, retain: 1_000, keptUntil: 2_000 };

const inside = (work: (results: ResultStorage, kv: SyncKvStorage) => void) =>
  runInDurableObject(stubOf(freshId()), (_lock, { storage }) => work(new ResultStorage(storage.kv), storage.kv));

afterEach(() => void vi.restoreAllMocks());

const silenced = () => vi.spyOn(console, "error").mockImplementation(() => {});

describe("Storage of results", () => {
  it("A result is stored with its job record and read apart from it.", async () => {
    await inside((results) => {
      const logged = silenced();
      expect(results.load()).toBeUndefined();
      expect(results.write(INFO, { amount: 3 })).toBeUndefined();
      expect(results.load()).toEqual(INFO);
      expect(results.read().result).toEqual({ value: { amount: 3 }, failed: false, lease: 7 });
      expect(results.write({ ...INFO, failed: true, lease: 8 }, undefined)).toBeUndefined();
      expect(results.read().result).toEqual({ value: undefined, failed: true, lease: 8 });
      results.delete();
      expect(results.load()).toBeUndefined();
      expect(logged).not.toHaveBeenCalled();
    });
  });

  it("A result that can't be stored is refused with the reason, and the result before it is kept.", async () => {
    await inside((results) => {
      results.write(INFO, "before");
      let nested: unknown = [];
      for (let depth = 0; depth < 100_000; depth += 1) nested = [nested];
      expect(results.write(INFO, () => {})).toBe("RESULT_NOT_CLONEABLE");
      expect(results.write(INFO, nested)).toBe("RESULT_NOT_CLONEABLE");
      // Newer runtimes would store it: this limit is the library's own, and the same everywhere.
      expect(results.write(INFO, "x".repeat(2_000_001))).toBe("RESULT_TOO_LARGE");
      expect(results.read().result.value).toBe("before");
    });
  });

  it.each([
    ["an unrelated error", new Error("disk full")],
    ["a value that is not an error", "SQLITE_TOOBIG"],
    ["undefined", undefined],
  ])("A write of a result throws what its storage throws: %s.", (_what, thrown) => {
    const kv = {
      put: () => {
        throw thrown;
      },
    } as unknown as SyncKvStorage;
    const write = vi.fn(() => new ResultStorage(kv).write(INFO, 1));
    expect(write).toThrow();
    expect(write.mock.results).toEqual([{ type: "throw", value: thrown }]);
  });
});

describe("G9 damaged results", () => {
  it.each([
    ["null", null],
    ["a text", "receipt"],
    ["an empty object", {}],
    ["an invalid lease", { ...INFO, lease: 0 }],
    ["a lease as text", { ...INFO, lease: "7" }],
    ["an invalid fingerprint", { ...INFO, fingerprint: 7 }],
    ["a failure flag that is not a boolean", { ...INFO, failed: 1 }],
    ["a retention of zero", { ...INFO, retain: 0 }],
    ["a retention as text", { ...INFO, retain: "1000" }],
    ["a fractional retention", { ...INFO, retain: 1.5 }],
    ["a retention of over a year", { ...INFO, retain: LIMITS.maxRetain + 1 }],
    ["an invalid end", { ...INFO, keptUntil: Number.NaN }],
    ["an end as text", { ...INFO, keptUntil: "2000" }],
    ["a negative end", { ...INFO, keptUntil: -1 }],
  ])("A stored value that is not a result is logged and ignored: %s.", async (_what, stored) => {
    await inside((results, kv) => {
      const logged = silenced();
      kv.put("result", stored);
      expect(results.load()).toBeUndefined();
      expect(logged).toHaveBeenCalledOnce();
    });
  });

  it("A stored result at its limits is accepted.", async () => {
    await inside((results, kv) => {
      const bounds = { ...INFO, lease: 1, retain: LIMITS.maxRetain, keptUntil: 1, fingerprint: "" };
      kv.put("result", { ...bounds, value: 1, added: "by a newer version" });
      expect(results.load()).toEqual({ ...bounds, fingerprint: undefined });
      kv.put("result", { ...bounds, retain: 1 });
      expect(results.load()).toMatchObject({ retain: 1 });
    });
  });

  it("A stored result that can't be read is logged and ignored.", () => {
    const logged = silenced();
    const kv = {
      get: () => {
        throw new Error("damaged");
      },
    } as unknown as SyncKvStorage;
    expect(new ResultStorage(kv).load()).toBeUndefined();
    expect(logged).toHaveBeenCalledOnce();
  });
});
