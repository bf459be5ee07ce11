import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { DurableLock, DurableRendezvous, type LockStatus } from "../../../src/index.ts";
import { freshId, outcome, stubOf } from "../../support/locks.ts";
import { fuzz } from "./values.ts";

const DAY = 86_400_000;

/** What a column may hold after damage: every type that SQLite stores, whatever type the column is of. */
const cell = fc.oneof(
  fc.constantFrom<SqlStorageValue>(
    null,
    "",
    "abc",
    "1",
    "released",
    "revoked",
    "[]",
    "{}",
    "[null]",
    "[[]]",
    "5",
    '{"a":',
    "\0",
  ),
  fc.constantFrom<SqlStorageValue>(
    '[{"requestId":1,"lease":"x","how":7}]',
    '[{"requestId":"r","lease":-1,"how":"expired"}]',
  ),
  fc.constantFrom<SqlStorageValue>(-1, 0, 0.5, 1, 2, -0, 1e300, -1e300, Infinity, -Infinity, DAY + 1),
  fc.constantFrom<SqlStorageValue>(Number.MAX_SAFE_INTEGER, 2 ** 53, 1e15, 9.2e18, Number.MAX_SAFE_INTEGER - 2e12),
  fc.constantFrom<() => SqlStorageValue>(() => new Uint8Array([255, 0]).buffer).map((make) => make()),
  fc.integer({ min: -3 * DAY, max: 3 * DAY }).map((by): SqlStorageValue => Date.now() + by),
);

const COLUMNS = [
  "slot",
  "lease",
  "request",
  "owner",
  "exclusive",
  "permits",
  "capacity",
  "since",
  "ttl",
  "deadline",
  "renewal",
  "ended",
  "ended_by",
  "past",
  "lock_delay",
  "once",
  "release_requested",
  "token_name",
];

type Cells = Record<string, SqlStorageValue>;

/** A row as it should be, of an exclusive or shared lease that is live, over, or released. */
const soundRow = fc
  .record({
    lease: fc.integer({ min: 0, max: 3 }),
    exclusive: fc.boolean(),
    left: fc.constantFrom(60_000, -5),
    isReleased: fc.boolean(),
  })
  .map(({ lease, exclusive, left, isReleased }): Cells => {
    const now = Date.now();
    const number = now * 1_000 - 100 + lease;
    const claim = exclusive ? { exclusive: 1, permits: 1, capacity: 1 } : { exclusive: 0, permits: 2, capacity: 8 };
    const times = { since: now - 10, ttl: 60_000, deadline: now + left };
    const end = { ended: isReleased ? "released" : null, ended_by: isReleased ? "x" : null };
    return {
      lease: number,
      request: `r${number}`,
      owner: null,
      ...claim,
      ...times,
      renewal: null,
      ...end,
      past: "[]",
      lock_delay: 0,
      once: null,
      release_requested: 0,
    };
  });

const damage = fc.array(fc.tuple(fc.constantFrom(...COLUMNS), cell), { maxLength: 3 });
const rows = fc
  .array(fc.tuple(soundRow, damage), { minLength: 1, maxLength: 5 })
  .map((drawn) => drawn.map(([sound, damages], slot): Cells => ({ slot, ...sound, ...Object.fromEntries(damages) })));

// Without constraints: what is stored may have got there in any way.
const LOOSE = `CREATE TABLE leases (${COLUMNS.map((column) => (column === "slot" ? "slot PRIMARY KEY NOT NULL" : column)).join(", ")}) WITHOUT ROWID`;

/** Answers what is stored then. */
function leave({ sql }: DurableObjectStorage, stored: Cells[]): Cells[] {
  sql.exec("DROP TABLE IF EXISTS leases");
  sql.exec(LOOSE);
  const insert = `INSERT OR REPLACE INTO leases (${COLUMNS.join(", ")}) VALUES (${COLUMNS.map(() => "?").join(", ")})`;
  for (const row of stored) if (row["slot"] !== null) sql.exec(insert, ...COLUMNS.map((column) => row[column]));
  return sql.exec("SELECT * FROM leases").toArray();
}

function expectExcluding({ holders }: LockStatus): void {
  const hasExclusive = holders.some(({ exclusive }) => exclusive);
  expect(hasExclusive && holders.length > 1 && holders).toBe(false);
  for (const { deadline } of holders) expect(deadline).toBeLessThanOrEqual(Date.now() + DAY);
}

/** The highest number that the rows hold and a lease can have. */
const highestOf = (stored: Cells[]) => {
  const numbers = stored.flatMap(({ lease }) =>
    Number.isSafeInteger(lease) && Number(lease) <= Number.MAX_SAFE_INTEGER - 1e12 ? [Number(lease)] : [],
  );
  return Math.max(0, ...numbers);
};

/** Whether a row shows a live lease, whatever else in it is damaged. */
function isHeld({ slot, lease, ttl, ended, deadline }: Cells): boolean {
  const isNumbered =
    Number.isSafeInteger(lease) && Number(lease) > 0 && Number(lease) <= Number.MAX_SAFE_INTEGER - 1e12;
  const isPlaced = Number.isSafeInteger(slot) && Number(slot) >= 0;
  const isTimed = typeof deadline === "number" && deadline > Date.now() + 1_000 && deadline < 8.64e15;
  return isNumbered && isPlaced && isTimed && ttl === 60_000 && ended === null;
}

/** What must hold of a lock that starts from such rows: nothing throws, it excludes, numbers grow, it gets free. */
async function playOn(state: DurableObjectState, stored: Cells[]): Promise<void> {
  const lock = new DurableLock(state, env);
  const before = await lock.status();
  expectExcluding(before);
  const sound = stored.filter((row) => row["ended"] === null).map((row) => row["lease"]);
  for (const { lease } of before.holders) expect(sound).toContain(lease);
  if (stored.some(isHeld)) expect(before.locked).toBe(true);
  const asked = await lock.acquire(1_000);
  if (before.holders.some(({ deadline }) => deadline > Date.now())) expect(asked).toMatchObject({ reason: "BORROWED" });
  for (const { lease } of before.holders) {
    expect(await lock.renew(lease, 1_000)).toMatchObject({ success: true, lease });
    expect(await lock.release(lease)).toBe(true);
    expect(await lock.renew(lease, 1_000)).toMatchObject({ reason: "NO_LONGER_VALID" });
  }
  const next = asked.success ? asked : await lock.acquire(1_000, { steal: true });
  expect(next).toMatchObject({ success: true });
  const { lease } = next as { lease: number };
  expect(Number.isSafeInteger(lease)).toBe(true);
  expect(lease).toBeGreaterThan(highestOf(stored));
  // And again from what is stored now.
  const restarted = new DurableLock(state, env);
  expect((await restarted.status()).holders).toMatchObject([{ lease, exclusive: true }]);
  for (const { lease: over } of before.holders)
    expect(await restarted.release(over)).toMatchObject({ reason: "NO_LONGER_VALID" });
  expect(await restarted.release(lease)).toBe(true);
  expect(await restarted.acquire(1_000)).toMatchObject({ success: true });
  await restarted.alarm();
}

/** Objects that start from what damage may have left. */
export function fuzzRows(runs: number): void {
  // It stands, so that a lease of 1 ms is live or not, and a seed gives the same rows again.
  beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: 1_800_000_000_000 }));
  afterEach(() => void vi.useRealTimers());

  it("G1 G2 G3 A lock that starts from damaged rows excludes, its numbers grow, and it becomes free.", async () => {
    await runInDurableObject(stubOf(freshId()), async (_lock, state) => {
      await fuzz(runs, rows, async (stored) => {
        await playOn(state, leave(state.storage, stored));
      });
    });
  });

  it("A stored result of any shape is a result or none, and with none the job runs again.", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    const part = fc.oneof(cell, fc.boolean(), fc.constantFrom<unknown>(undefined, new Date(0), 1n));
    const record = fc.record(
      { value: part, lease: part, fingerprint: part, failed: part, retain: part, keptUntil: part },
      { requiredKeys: [] },
    );
    await runInDurableObject(stubOf(freshId()), async (first, state) => {
      await first.forceRelease();
      await fuzz(runs / 2, fc.oneof(part, record), async (value) => {
        state.storage.kv.put("result", value);
        const lock = new DurableLock(state, env);
        const asked = await lock.acquire(1_000, { once: "" });
        if (!asked.success)
          return expect(asked).toMatchObject({
            reason: "RECORDED",
            result: { lease: expect.any(Number), failed: expect.any(Boolean) },
          });
        const result = { value: "new", failed: false, retain: DAY };
        expect(await lock.release(asked.lease, { result })).toBe(true);
        expect(await new DurableLock(state, env).acquire(1_000, { once: "" })).toMatchObject({
          result: { value: "new" },
        });
      });
    });
    expect(logged).toHaveBeenCalled();
    logged.mockRestore();
  });

  it("G5 A latch and a barrier that start from damaged rows go on.", async () => {
    await runInDurableObject(env.DURABLE_RENDEZVOUS.getByName(freshId()), async (_first, state) => {
      const { sql } = state.storage;
      await fuzz(
        runs / 2,
        fc.array(fc.array(cell, { minLength: 5, maxLength: 5 }), { maxLength: 4 }),
        async (stored) => {
          sql.exec("DROP TABLE IF EXISTS count_downs; DROP TABLE IF EXISTS meetings");
          sql.exec("CREATE TABLE count_downs (request PRIMARY KEY NOT NULL, count, by, at) WITHOUT ROWID");
          sql.exec("CREATE TABLE meetings (slot PRIMARY KEY NOT NULL, generation, why, members, at) WITHOUT ROWID");
          for (const row of stored.filter(([key]) => key !== null)) {
            sql.exec("INSERT OR REPLACE INTO count_downs VALUES (?, ?, ?, ?)", ...row.slice(0, 4));
            sql.exec("INSERT OR REPLACE INTO meetings VALUES (?, ?, ?, ?, ?)", ...row);
          }
          const object = new DurableRendezvous(state, env);
          const met = await object.arriveAtBarrier({ parties: 1, requestId: "me", wait: 0, waited: 0 }).outcome.reply();
          expect(met).toMatchObject({ success: true, index: 0 });
          const counted = await object.countDown(10_000, 1, "me");
          if (counted.success) expect(counted.remaining).toBeGreaterThanOrEqual(0);
          else expect(counted).toMatchObject({ argument: "count" });
          expect((await outcome(object.alarm())).error).toBeUndefined();
        },
      );
    });
  });
}
