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

describe("the result of a job is stored", () => {
  it("with what is known of it, and read apart from that", async () => {
    await inside((results) => {
      const told = silenced();
      expect(results.load()).toBeUndefined();
      expect(results.write(INFO, { amount: 3 })).toBeUndefined();
      expect(results.load()).toEqual(INFO);
      expect(results.read().result).toEqual({ value: { amount: 3 }, failed: false, lease: 7 });
      expect(results.write({ ...INFO, failed: true, lease: 8 }, undefined)).toBeUndefined();
      expect(results.read().result).toEqual({ value: undefined, failed: true, lease: 8 });
      results.delete();
      expect(results.load()).toBeUndefined();
      expect(told).not.toHaveBeenCalled();
    });
  });

  it("or told why it can't be, and the one before is kept", async () => {
    await inside((results) => {
      results.write(INFO, "before");
      let nested: unknown = [];
      for (let depth = 0; depth < 100_000; depth += 1) nested = [nested];
      expect(results.write(INFO, () => {})).toBe("RESULT_NOT_CLONEABLE");
      expect(results.write(INFO, nested)).toBe("RESULT_NOT_CLONEABLE");
      // Newer runtimes would store it: the limit is ours, and the same everywhere.
      expect(results.write(INFO, "x".repeat(2_000_001))).toBe("RESULT_TOO_LARGE");
      expect(results.read().result.value).toBe("before");
    });
  });

  it.each([
    ["another error", new Error("disk full")],
    ["what is no error", "SQLITE_TOOBIG"],
    ["nothing", undefined],
  ])("and %s is thrown", (_what, thrown) => {
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

describe("G9 what is stored and no result", () => {
  it.each([
    ["null", null],
    ["a text", "receipt"],
    ["nothing of what it should have", {}],
    ["a lease that is none", { ...INFO, lease: 0 }],
    ["a lease as text", { ...INFO, lease: "7" }],
    ["a fingerprint that is none", { ...INFO, fingerprint: 7 }],
    ["a failure that is neither", { ...INFO, failed: 1 }],
    ["a time to keep it of nothing", { ...INFO, retain: 0 }],
    ["a time to keep it as text", { ...INFO, retain: "1000" }],
    ["a time to keep it in fractions", { ...INFO, retain: 1.5 }],
    ["a time to keep it of over a year", { ...INFO, retain: LIMITS.maxRetain + 1 }],
    ["an end that is none", { ...INFO, keptUntil: Number.NaN }],
    ["an end as text", { ...INFO, keptUntil: "2000" }],
    ["an end before all time", { ...INFO, keptUntil: -1 }],
  ])("is told, and not believed: %s", async (_what, stored) => {
    await inside((results, kv) => {
      const told = silenced();
      kv.put("result", stored);
      expect(results.load()).toBeUndefined();
      expect(told).toHaveBeenCalledOnce();
    });
  });

  it("is believed at its bounds", async () => {
    await inside((results, kv) => {
      const bounds = { ...INFO, lease: 1, retain: LIMITS.maxRetain, keptUntil: 1, fingerprint: "" };
      kv.put("result", { ...bounds, value: 1, added: "by a newer version" });
      expect(results.load()).toEqual({ ...bounds, fingerprint: undefined });
      kv.put("result", { ...bounds, retain: 1 });
      expect(results.load()).toMatchObject({ retain: 1 });
    });
  });

  it("can't even be read, and is told", () => {
    const told = silenced();
    const kv = {
      get: () => {
        throw new Error("damaged");
      },
    } as unknown as SyncKvStorage;
    expect(new ResultStorage(kv).load()).toBeUndefined();
    expect(told).toHaveBeenCalledOnce();
  });
});
