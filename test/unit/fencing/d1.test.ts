import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { fenceD1 } from "../../../src/index.ts";
import { freshId, outcome } from "../../support/locks.ts";

const HIGHEST = Number.MAX_SAFE_INTEGER;
const stale = (lease: number, newest: number) => ({ error: { code: "STALE_LEASE", lease, newest } });
const { DB } = env;

describe("fenceD1", () => {
  beforeAll(async () => {
    await DB.exec("CREATE TABLE IF NOT EXISTS vals (id TEXT PRIMARY KEY, val TEXT CHECK (val <> 'bad'))");
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

  it("fenceD1 lets a lease write repeatedly until a newer one writes, and then refuses the older.", async () => {
    const id = freshId();
    expect((await write(id, 5, "a")).value).toHaveLength(1);
    expect((await write(id, 5, "b")).value).toHaveLength(1);
    expect((await write(id, HIGHEST, "c", "d")).value).toHaveLength(2);
    expect(await write(id, HIGHEST - 1, "late")).toMatchObject(stale(HIGHEST - 1, HIGHEST));
    expect(await read(id)).toBe("d");
  });

  it("fenceD1 returns the rows of your own statements and no others.", async () => {
    const [first, ...more] = await fenceD1<{ one: number }>(DB, freshId(), 1, [DB.prepare("SELECT 1 AS one")]);
    expect(first?.results).toEqual([{ one: 1 }]);
    expect(more).toEqual([]);
  });

  it("fenceD1 passes on the failure of your own statement and undoes the batch, its fence included.", async () => {
    const id = freshId();
    await write(id, 5, "a");
    const { error } = await write(id, 9, "b", "bad");
    expect(String(error)).toContain("CHECK constraint failed");
    expect(error).not.toHaveProperty("code", "STALE_LEASE");
    expect(await read(id)).toBe("a");
    expect((await write(id, 6, "c")).value).toHaveLength(1);
  });

  it("fenceD1 creates its table at the first use.", async () => {
    await DB.exec("DROP TABLE IF EXISTS durable_locks_fences");
    expect((await write(freshId(), 5, "a")).value).toHaveLength(1);
  });

  it("fenceD1 reports a stale write as stale, even if its statement would fail too.", async () => {
    const id = freshId();
    await write(id, 8, "new");
    expect(await write(id, 7, "bad")).toMatchObject(stale(7, 8));
  });

  it("fenceD1 applies a write that is repeated after a lost reply, until a newer lease has written.", async () => {
    const id = freshId();
    const batch = async (statements: D1PreparedStatement[]) => {
      await DB.batch(statements);
      throw new Error("Network connection lost.");
    };
    const losing = { prepare: DB.prepare.bind(DB), batch } as unknown as D1Database;
    const insert = DB.prepare("INSERT OR REPLACE INTO vals VALUES (?, 'once')").bind(id);
    expect(String((await outcome(fenceD1(losing, id, 7, [insert]))).error)).toContain("connection lost");
    expect((await write(id, 7, "twice")).value).toHaveLength(1);
    await write(id, 8, "new");
    expect(await write(id, 7, "thrice")).toMatchObject(stale(7, 8));
    expect(await read(id)).toBe("new");
  });

  it.each(["'; DROP TABLE vals; --", "100%25", "日本 🔒 ü", "x".repeat(512)])(
    "fenceD1 fences the resource %j.",
    async (id) => {
      await write(id, 8, "new");
      expect(await write(id, 7, "late")).toMatchObject(stale(7, 8));
    },
  );

  it("fenceD1 lets the newest lease win, in whatever order the writers come.", async () => {
    for (let round = 0; round < 10; round += 1) {
      const id = freshId();
      const leases = [1, 2, 3, 4, 5].sort(() => Math.random() - 0.5);
      await Promise.all(leases.map((lease) => write(id, lease, `by ${lease}`)));
      expect(await read(id)).toBe("by 5");
    }
  });

  it("G9 fenceD1 refuses bad arguments and writes nothing.", async () => {
    expect(await write(freshId(), 0, "a")).toMatchObject({ error: { argument: "lease" } });
    expect(await write("", 1, "a")).toMatchObject({ error: { argument: "resource" } });
    expect(await write(freshId(), 1)).toMatchObject({ error: { argument: "statements" } });
  });
});
