import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { closeMonth } from "../../examples/fence-d1-r2.ts";
import { priceService, setPrice } from "../../examples/fence-http.ts";
import { fenceD1, fenceHeaders, fenceR2, fenceStorage, readFence, verifyFence } from "../../src/index.ts";
import { freshId, freshLock, leaseOf, lockOf, outcome, sleep } from "../support/locks.ts";

const HIGHEST = Number.MAX_SAFE_INTEGER;
const stale = (lease: number, newest: number) => ({ error: { code: "STALE_LEASE", lease, newest } });
const { DB, BUCKET, LEDGER } = env;

/** Runs on the storage of an object of its own. */
const onStorage = <T>(id: string, work: (storage: DurableObjectStorage) => T) =>
  runInDurableObject(LEDGER.getByName(id), (_object, { storage }) => work(storage));

const put = (storage: DurableObjectStorage, lease: number, value: unknown) => {
  try {
    return { value: fenceStorage(storage, "r", lease, () => (storage.kv.put("v", value), "put")) };
  } catch (error) {
    return { error };
  }
};

describe("the guard of a Durable Object's storage", () => {
  it("lets a lease write again and again, then a newer one, then the older no more, and nothing of it", async () => {
    await onStorage(freshId(), (storage) => {
      expect(put(storage, 5, "a")).toEqual({ value: "put" });
      expect(put(storage, 5, "b")).toEqual({ value: "put" });
      expect(put(storage, HIGHEST, "c")).toEqual({ value: "put" });
      expect(put(storage, HIGHEST - 1, "late")).toMatchObject(stale(HIGHEST - 1, HIGHEST));
      expect(storage.kv.get("v")).toBe("c");
    });
  });

  it("undoes what a failing write did, and its own fence", async () => {
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

  it("refuses a write that goes on later, and undoes what it began", async () => {
    await onStorage(freshId(), (storage) => {
      const later = async () => storage.kv.put("v", "half");
      expect(() => fenceStorage(storage, "r", 9, later)).toThrow(expect.objectContaining({ argument: "write" }));
      expect(storage.kv.get("v")).toBe(undefined);
      expect(put(storage, 1, "a")).toEqual({ value: "put" });
    });
  });

  it("remembers over a restart, and keeps resources apart", async () => {
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

  it("G9 refuses bad arguments and stores nothing", async () => {
    await onStorage(freshId(), (storage) => {
      for (const lease of [0, -1, 1.5, "5", Number.NaN])
        expect(() => fenceStorage(storage, "r", lease as number, () => {})).toThrow(
          expect.objectContaining({ argument: "lease" }),
        );
      expect(() => fenceStorage(storage, "", 1, () => {})).toThrow(expect.objectContaining({ argument: "resource" }));
      expect([...storage.kv.list()]).toEqual([]);
    });
  });

  it("stops the late write of a holder whose lease ran out", async () => {
    const lock = freshLock();
    const late = await leaseOf(lock.acquire(50));
    const next = await leaseOf(lock.acquire(10_000, { wait: 5_000 }));
    await onStorage(lock.id, (storage) => {
      expect(put(storage, next, "next")).toEqual({ value: "put" });
      expect(put(storage, late, "late")).toMatchObject(stale(late, next));
    });
  });
});

describe("the guard of D1", () => {
  beforeAll(async () => {
    await DB.exec("CREATE TABLE IF NOT EXISTS vals (id TEXT PRIMARY KEY, val TEXT CHECK (val <> 'bad'))");
    await DB.exec("CREATE TABLE IF NOT EXISTS entries (month TEXT, amount INTEGER)");
    await DB.exec("CREATE TABLE IF NOT EXISTS closed (month TEXT PRIMARY KEY, total INTEGER)");
  });
  const write = (id: string, lease: number, ...values: string[]) =>
    outcome(
      fenceD1(
        DB,
        id,
        lease,
        values.map((value) => DB.prepare("INSERT OR REPLACE INTO vals VALUES (?, ?)").bind(id, value)),
      ),
    );
  const read = (id: string) => DB.prepare("SELECT val FROM vals WHERE id = ?").bind(id).first<string>("val");

  it("lets a lease write again and again, then a newer one, then the older no more, and nothing of it", async () => {
    const id = freshId();
    expect((await write(id, 5, "a")).value).toHaveLength(1);
    expect((await write(id, 5, "b")).value).toHaveLength(1);
    expect((await write(id, HIGHEST, "c", "d")).value).toHaveLength(2);
    expect(await write(id, HIGHEST - 1, "late")).toMatchObject(stale(HIGHEST - 1, HIGHEST));
    expect(await read(id)).toBe("d");
  });

  it("hands out the rows of the user's statements, and only those", async () => {
    const [first, ...more] = await fenceD1<{ one: number }>(DB, freshId(), 1, [DB.prepare("SELECT 1 AS one")]);
    expect(first?.results).toEqual([{ one: 1 }]);
    expect(more).toEqual([]);
  });

  it("passes on the failure of the user's own statement, and undoes all, its fence too", async () => {
    const id = freshId();
    await write(id, 5, "a");
    const { error } = await write(id, 9, "b", "bad");
    expect(String(error)).toContain("CHECK constraint failed");
    expect(error).not.toHaveProperty("code", "STALE_LEASE");
    expect(await read(id)).toBe("a");
    expect((await write(id, 6, "c")).value).toHaveLength(1);
  });

  it("lets the newest win, whatever the order in which writers come", async () => {
    for (let round = 0; round < 10; round += 1) {
      const id = freshId();
      const leases = [1, 2, 3, 4, 5].sort(() => Math.random() - 0.5);
      await Promise.all(leases.map((lease) => write(id, lease, `by ${lease}`)));
      expect(await read(id)).toBe("by 5");
    }
  });

  it("G9 refuses bad arguments and writes nothing", async () => {
    expect(await write(freshId(), 0, "a")).toMatchObject({ error: { argument: "lease" } });
    expect(await write("", 1, "a")).toMatchObject({ error: { argument: "resource" } });
    expect(await write(freshId(), 1)).toMatchObject({ error: { argument: "statements" } });
  });
});

describe("the guard of R2", () => {
  const write = (key: string, lease: number, value: string) => outcome(fenceR2(BUCKET, key, lease, value));
  const read = async (key: string) => (await BUCKET.get(key))?.text();

  it("lets a lease write again and again, then a newer one, then the older no more, and nothing of it", async () => {
    const key = freshId();
    for (const value of ["a", "b"]) expect((await write(key, 5, value)).value).toMatchObject({ key });
    await write(key, HIGHEST, "c");
    expect(await write(key, HIGHEST - 1, "late")).toMatchObject(stale(HIGHEST - 1, HIGHEST));
    expect(await read(key)).toBe("c");
  });

  it("lets the newest win, whatever the order in which writers come", async () => {
    for (let round = 0; round < 10; round += 1) {
      const key = freshId();
      const leases = [1, 2, 3, 4, 5].sort(() => Math.random() - 0.5);
      const done = await Promise.all(leases.map((lease) => write(key, lease, `by ${lease}`)));
      expect(await read(key)).toBe("by 5");
      for (const { error } of done) if (error) expect(error).toMatchObject({ code: "STALE_LEASE" });
    }
  });

  it("refuses a late write though the object has the very bytes again that its writer saw", async () => {
    const key = freshId();
    await write(key, 1, "idle");
    const bucket = {
      head: async (name: string) => {
        const seen = await BUCKET.head(name);
        // Between the look and the put of the old holder the new one comes and goes.
        if (seen?.customMetadata?.["durable-locks-lease"] === "1")
          for (const value of ["busy", "idle"]) await fenceR2(BUCKET, key, 2, value);
        return seen;
      },
      put: BUCKET.put.bind(BUCKET),
    } as unknown as R2Bucket;
    expect(await outcome(fenceR2(bucket, key, 1, "late"))).toMatchObject(stale(1, 2));
    expect(await read(key)).toBe("idle");
  });

  it("fences an object that was there before it was guarded, and keeps the user's metadata", async () => {
    const key = freshId();
    await BUCKET.put(key, "unguarded");
    await fenceR2(BUCKET, key, 3, "a", { customMetadata: { by: "me" }, httpMetadata: { contentType: "text/plain" } });
    const object = await BUCKET.head(key);
    expect(object?.customMetadata).toMatchObject({ by: "me" });
    expect(object?.httpMetadata).toMatchObject({ contentType: "text/plain" });
    expect(await write(key, 2, "late")).toMatchObject(stale(2, 3));
  });

  it("G9 refuses streams, conditions and bad leases, and writes nothing", async () => {
    const key = freshId();
    const body = new Response("x").body as unknown as string;
    expect(await write(key, 1, body)).toMatchObject({ error: { argument: "value" } });
    expect(await write(key, 0, "a")).toMatchObject({ error: { argument: "lease" } });
    expect(await outcome(fenceR2(BUCKET, key, 1, "a", { onlyIf: {} } as object))).toMatchObject({
      error: { argument: "onlyIf" },
    });
    expect(await BUCKET.head(key)).toBe(null);
  });
});

describe("the guard of HTTP services", () => {
  const advanceIn = (fences: Map<string, number>) => (resource: string, lease: number) => {
    const newest = Math.max(lease, fences.get(resource) ?? 0);
    fences.set(resource, newest);
    return newest;
  };

  it.each(["account:42", "Konto ü/ä", "line\nbreak\r\n", "🔒", "a".repeat(512)])("carries %j over", (resource) => {
    expect(readFence(new Headers(fenceHeaders(resource, HIGHEST)))).toEqual({ resource, lease: HIGHEST });
  });

  it("lets a lease pass again and again, then a newer one, then the older no more", async () => {
    const advance = advanceIn(new Map());
    const pass = (lease: number) => outcome(verifyFence(new Headers(fenceHeaders("r", lease)), advance));
    for (const lease of [5, 5, 6]) expect(await pass(lease)).toEqual({ value: { resource: "r", lease } });
    expect(await pass(5)).toMatchObject(stale(5, 6));
  });

  it.each([
    [{}, "Fencing-Token"],
    [{ "Fencing-Token": "12" }, "Fencing-Resource"],
    [{ "Fencing-Token": "0", "Fencing-Resource": "r" }, "Fencing-Token"],
    [{ "Fencing-Token": "1e3", "Fencing-Resource": "r" }, "Fencing-Token"],
    [{ "Fencing-Token": "9999999999999999", "Fencing-Resource": "r" }, "lease"],
    [{ "Fencing-Token": "12", "Fencing-Resource": "%zz" }, "Fencing-Resource"],
    [{ "Fencing-Token": "12", "Fencing-Resource": "" }, "Fencing-Resource"],
  ])("G9 refuses %j, and never takes it for a request without a fence", (headers, argument) => {
    expect(() => readFence(new Headers(headers as Record<string, string>))).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", argument }),
    );
  });
});

describe("the examples of the guards", () => {
  it("close a month in D1 and R2, and refuse a late closing of both", async () => {
    const month = freshId();
    await DB.prepare("INSERT INTO entries VALUES (?, 3), (?, 4)").bind(month, month).run();
    await closeMonth({ DURABLE_LOCK: env.DURABLE_LOCK, DB, BUCKET }, month);
    expect(await DB.prepare("SELECT total FROM closed WHERE month = ?").bind(month).first("total")).toBe(7);
    expect(await (await BUCKET.get(`${month}.json`))?.json()).toEqual({ month, total: 7 });
    expect(await outcome(fenceR2(BUCKET, `${month}.json`, 1, "late"))).toMatchObject({
      error: { code: "STALE_LEASE" },
    });
  });

  it("set a price over HTTP, and answer 412 to a late one", async () => {
    const product = freshId();
    const prices = new Map<string, number>();
    const shop = priceService(prices);
    const late = await leaseOf(lockOf(product).acquire(20));
    await sleep(30);
    expect(await setPrice(env.DURABLE_LOCK, shop, product, 5)).toBe(200);
    const headers = fenceHeaders(product, late);
    expect((await shop(new Request("https://shop/price", { method: "PUT", body: "1", headers }))).status).toBe(412);
    expect((await shop(new Request("https://shop/price", { method: "PUT", body: "1" }))).status).toBe(400);
    expect(prices.get(product)).toBe(5);
  });
});
