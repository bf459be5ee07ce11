import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { fenceStorage } from "../../../src/index.ts";
import { freshId, freshLock, leaseOf } from "../../support/locks.ts";

const HIGHEST = Number.MAX_SAFE_INTEGER;
const stale = (lease: number, newest: number) => ({ error: { code: "STALE_LEASE", lease, newest } });
const { LEDGER } = env;

/** Runs on the storage of a new object. */
const onStorage = <T>(id: string, work: (storage: DurableObjectStorage) => T) =>
  runInDurableObject(LEDGER.getByName(id), (_object, { storage }) => work(storage));

const put = (storage: DurableObjectStorage, lease: number, value: unknown) => {
  try {
    return { value: fenceStorage(storage, "r", lease, () => (storage.kv.put("v", value), "put")) };
  } catch (error) {
    return { error };
  }
};

describe("fenceStorage", () => {
  it("fenceStorage lets a lease write repeatedly until a newer one writes, and then refuses the older.", async () => {
    await onStorage(freshId(), (storage) => {
      expect(put(storage, 5, "a")).toEqual({ value: "put" });
      expect(put(storage, 5, "b")).toEqual({ value: "put" });
      expect(put(storage, HIGHEST, "c")).toEqual({ value: "put" });
      expect(put(storage, HIGHEST - 1, "late")).toMatchObject(stale(HIGHEST - 1, HIGHEST));
      expect(storage.kv.get("v")).toBe("c");
    });
  });

  it("fenceStorage undoes what a failing write did, its own fence included.", async () => {
    await onStorage(freshId(), (storage) => {
      put(storage, 5, "a");
      const fail = () => {
        storage.kv.put("v", "half");
        throw new Error("broken");
      };
      expect(() => fenceStorage(storage, "r", 9, fail)).toThrow("broken");
      expect(storage.kv.get("v")).toBe("a");
      expect(put(storage, 6, "b")).toEqual({ value: "put" });
    });
  });

  it("fenceStorage does not begin an async write, which would go on past the fence.", async () => {
    let runs = 0;
    await onStorage(freshId(), (storage) => {
      const later = async () => void (runs += 1);
      expect(() => fenceStorage(storage, "r", 9, later)).toThrow(expect.objectContaining({ argument: "write" }));
      expect(put(storage, 1, "a")).toEqual({ value: "put" });
    });
    expect(runs).toBe(0);
  });

  it.each([
    ["a promise", async () => {}],
    ["a promise that rejects", async () => Promise.reject(new Error("unheard"))],
    // oxlint-disable-next-line unicorn/no-thenable -- the test needs a thenable
    ["another thenable", () => ({ then: (resolve: () => void) => resolve() })],
  ])("fenceStorage refuses a write that returns %s, and undoes what it began.", async (_what, later) => {
    await onStorage(freshId(), (storage) => {
      const write = () => {
        storage.kv.put("v", "half");
        return later();
      };
      expect(() => fenceStorage(storage, "r", 9, write)).toThrow(expect.objectContaining({ argument: "write" }));
      expect(storage.kv.get("v")).toBe(undefined);
      expect(put(storage, 1, "a")).toEqual({ value: "put" });
    });
  });

  it("fenceStorage does not begin a stale write.", async () => {
    await onStorage(freshId(), (storage) => {
      put(storage, 8, "new");
      let runs = 0;
      expect(() => fenceStorage(storage, "r", 7, () => void (runs += 1))).toThrow("stale");
      expect(runs).toBe(0);
    });
  });

  it("fenceStorage refuses a write inside your own transaction without undoing the rest of it.", async () => {
    await onStorage(freshId(), (storage) => {
      put(storage, 8, "new");
      storage.transactionSync(() => {
        storage.kv.put("mine", true);
        expect(put(storage, 7, "late")).toMatchObject(stale(7, 8));
      });
      expect([storage.kv.get("mine"), storage.kv.get("v")]).toEqual([true, "new"]);
    });
  });

  it("fenceStorage remembers a lease across a restart, and keeps resources apart.", async () => {
    const id = freshId();
    await onStorage(id, (storage) => put(storage, 7, "a"));
    await runInDurableObject(LEDGER.getByName(id), (_object, state) => state.abort("crashed by the test")).catch(
      () => {},
    );
    await onStorage(id, (storage) => {
      expect(put(storage, 6, "late")).toMatchObject(stale(6, 7));
      expect(fenceStorage(storage, "another", 1, () => "ok")).toBe("ok");
    });
  });

  it("G9 fenceStorage refuses bad arguments and stores nothing.", async () => {
    await onStorage(freshId(), (storage) => {
      for (const lease of [0, -1, 1.5, "5", Number.NaN])
        expect(() => fenceStorage(storage, "r", lease as number, () => {})).toThrow(
          expect.objectContaining({ argument: "lease" }),
        );
      expect(() => fenceStorage(storage, "", 1, () => {})).toThrow(expect.objectContaining({ argument: "resource" }));
      expect([...storage.kv.list()]).toEqual([]);
    });
  });

  it("fenceStorage stops the late write of a holder whose lease has expired.", async () => {
    const lock = freshLock();
    const late = await leaseOf(lock.acquire(50));
    const next = await leaseOf(lock.acquire(10_000, { wait: 5_000 }));
    await onStorage(lock.id, (storage) => {
      expect(put(storage, next, "next")).toEqual({ value: "put" });
      expect(put(storage, late, "late")).toMatchObject(stale(late, next));
    });
  });
});
