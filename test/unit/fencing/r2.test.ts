import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { fenceR2 } from "../../../src/index.ts";
import { freshId, outcome } from "../../support/locks.ts";

const HIGHEST = Number.MAX_SAFE_INTEGER;
const stale = (lease: number, newest: number) => ({ error: { code: "STALE_LEASE", lease, newest } });
const { BUCKET } = env;

type Put = (key: string, value: string, options?: R2PutOptions) => Promise<R2Object | null>;

/** A bucket that lets the test act between its `head` and its `put`. */
function interrupted(between: () => Promise<unknown>, put: Put = (...args) => BUCKET.put(...args)): R2Bucket {
  const interruptedPut: Put = async (...args) => {
    await between();
    return put(...args);
  };
  return { head: (key: string) => BUCKET.head(key), put: interruptedPut } as unknown as R2Bucket;
}

describe("fenceR2", () => {
  const write = (key: string, lease: number, value: string) => outcome(fenceR2(BUCKET, key, lease, value));
  const read = async (key: string) => (await BUCKET.get(key))?.text();

  it("fenceR2 lets a lease write repeatedly until a newer one writes, and then refuses the older.", async () => {
    const key = freshId();
    for (const value of ["a", "b"]) expect((await write(key, 5, value)).value).toMatchObject({ key });
    await write(key, HIGHEST, "c");
    expect(await write(key, HIGHEST - 1, "late")).toMatchObject(stale(HIGHEST - 1, HIGHEST));
    expect(await read(key)).toBe("c");
  });

  it("fenceR2 lets the newest lease win, in whatever order the writers come.", async () => {
    for (let round = 0; round < 10; round += 1) {
      const key = freshId();
      const leases = [1, 2, 3, 4, 5].sort(() => Math.random() - 0.5);
      const done = await Promise.all(leases.map((lease) => write(key, lease, `by ${lease}`)));
      expect(await read(key)).toBe("by 5");
      for (const { error } of done) if (error) expect(error).toMatchObject({ code: "STALE_LEASE" });
    }
  });

  it("fenceR2 refuses a late write even if the object has the same bytes again that its writer saw.", async () => {
    const key = freshId();
    await write(key, 1, "idle");
    const before = await BUCKET.head(key);
    const overtaken = interrupted(async () => {
      for (const value of ["busy", "idle"]) await fenceR2(BUCKET, key, 2, value);
      expect((await BUCKET.head(key))?.etag).toBe(before?.etag);
    });
    expect(await outcome(fenceR2(overtaken, key, 1, "late"))).toMatchObject(stale(1, 2));
    expect(await read(key)).toBe("idle");
  });

  it("fenceR2 refuses a late write to a key that was new when its writer looked.", async () => {
    const key = freshId();
    const overtaken = interrupted(() => fenceR2(BUCKET, key, 8, "new"));
    expect(await outcome(fenceR2(overtaken, key, 7, "late"))).toMatchObject(stale(7, 8));
    expect(await read(key)).toBe("new");
  });

  it("fenceR2 applies a new write after older ones that came in between.", async () => {
    const key = freshId();
    let overtakes = 3;
    const overtaken = interrupted(async () => {
      if (overtakes > 0) await fenceR2(BUCKET, key, 7, `old ${(overtakes -= 1)}`);
    });
    await fenceR2(overtaken, key, 8, "new");
    expect(await read(key)).toBe("new");
  });

  it("fenceR2 applies a write after a delete that came in between.", async () => {
    const key = freshId();
    await write(key, 7, "old");
    const deleted = interrupted(() => BUCKET.delete(key));
    await fenceR2(deleted, key, 8, "new");
    expect(await read(key)).toBe("new");
  });

  it("fenceR2 writes again if the clock stood still, until the new version differs from the old.", async () => {
    const key = freshId();
    await write(key, 7, "old");
    const before = (await BUCKET.head(key)) as R2Object;
    let puts = 0;
    const still = interrupted(
      async () => void (puts += 1),
      async (...args) => {
        const written = await BUCKET.put(...args);
        if (written === null || puts > 1) return written;
        return Object.create(written, { uploaded: { value: before.uploaded } }) as R2Object;
      },
    );
    await fenceR2(still, key, 8, "new");
    expect(puts).toBe(2);
    expect((await BUCKET.head(key))?.customMetadata).toMatchObject({ "durable-locks-lease": "8" });
  });

  it("fenceR2 applies a write that is repeated after a lost reply, until a newer lease has written.", async () => {
    const key = freshId();
    const losing = interrupted(
      async () => {},
      async (...args) => {
        await BUCKET.put(...args);
        throw new Error("Network connection lost.");
      },
    );
    expect(String((await outcome(fenceR2(losing, key, 7, "once"))).error)).toContain("connection lost");
    expect((await write(key, 7, "twice")).value).toMatchObject({ key });
    await write(key, 8, "new");
    expect(await write(key, 7, "thrice")).toMatchObject(stale(7, 8));
  });

  it("fenceR2 lets one holder make many writes at once, and all get through.", async () => {
    const key = freshId();
    const done = await Promise.all(Array.from({ length: 10 }, (_, i) => write(key, 7, String(i))));
    for (const { value } of done) expect(value).toMatchObject({ key });
  });

  it("fenceR2 keeps the fence in an empty object, and a delete removes it.", async () => {
    const key = freshId();
    await fenceR2(BUCKET, key, 8, null);
    expect(await write(key, 7, "late")).toMatchObject(stale(7, 8));
    await BUCKET.delete(key);
    expect((await write(key, 7, "nobody remembers")).value).toMatchObject({ key });
  });

  it("G9 fenceR2 gives up after other writers were faster 100 times.", async () => {
    let puts = 0;
    const taken = interrupted(
      async () => void (puts += 1),
      async () => null,
    );
    expect(await outcome(fenceR2(taken, freshId(), 7, "never"))).toMatchObject({ error: { code: "UNREACHABLE" } });
    expect(puts).toBe(100);
  });

  it("G10 fenceR2 takes one look and one put if no other writer is in the way.", async () => {
    const key = freshId();
    const calls: string[] = [];
    const counted = {
      head: (name: string) => (calls.push("head"), BUCKET.head(name)),
      put: (...args: Parameters<Put>) => (calls.push("put"), BUCKET.put(...args)),
    } as unknown as R2Bucket;
    await fenceR2(counted, key, 7, "text");
    expect(calls).toEqual(["head", "put"]);
  });

  it("fenceR2 takes keys as long as R2 does.", async () => {
    const key = freshId().padEnd(1_024, "x");
    expect((await write(key, 7, "text")).value).toMatchObject({ key });
  });

  it("fenceR2 fences an object that existed before, and keeps your metadata.", async () => {
    const key = freshId();
    await BUCKET.put(key, "unfenced");
    await fenceR2(BUCKET, key, 3, "a", { customMetadata: { by: "me" }, httpMetadata: { contentType: "text/plain" } });
    const object = await BUCKET.head(key);
    expect(object?.customMetadata).toMatchObject({ by: "me" });
    expect(object?.httpMetadata).toMatchObject({ contentType: "text/plain" });
    expect(await write(key, 2, "late")).toMatchObject(stale(2, 3));
  });

  it("G9 fenceR2 refuses streams, conditions and bad leases, and writes nothing.", async () => {
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
