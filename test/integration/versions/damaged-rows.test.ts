import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { crash, freshId, leaseOf, lockOf, stubOf } from "../../support/locks.ts";
import { columnsOf, rowsOf, startFrom } from "../../support/tables.ts";

const DAY = 86_400_000;

/** A held lock whose row was damaged. */
async function damaged(change: string): Promise<{ id: string; lease: number }> {
  const id = freshId();
  const lease = await leaseOf(lockOf(id).acquire(60_000));
  await startFrom(id, ({ sql }) => sql.exec(`UPDATE leases SET ${change}`));
  return { id, lease };
}

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("Damaged rows of leases", () => {
  it.each([
    "past = '{}'",
    "past = '5'",
    "past = '[null, {\"requestId\": 1}]'",
    "past = 'no JSON'",
    "owner = 7, renewal = x'00', once = 1",
    "permits = 'many', capacity = -1, since = 'then'",
    "exclusive = 'yes'",
    "ttl = 'long'",
    "lock_delay = -1",
    "request = ''",
  ])("G1: A lease with a damaged row still excludes, and its holder can renew and release it: %s.", async (change) => {
    const { id, lease } = await damaged(change);
    expect(await lockOf(id).acquire(1_000)).toMatchObject({ reason: "BORROWED" });
    expect(await lockOf(id).renew(lease, 60_000)).toMatchObject({ success: true });
    expect(await lockOf(id).release(lease)).toBe(true);
    expect(await lockOf(id).acquire(1_000)).toMatchObject({ success: true });
  });

  it.each([
    "deadline = 'never'",
    "deadline = 1e300",
    "deadline = -1",
    "slot = 'first'",
    "slot = -1",
    "ended = 'eaten'",
  ])("G2: A lease whose row makes no sense is dead, but its number is not given out again: %s.", async (change) => {
    const { id, lease } = await damaged(`${change}, lease = lease + 1000000000`);
    expect(await lockOf(id).isLocked()).toBe(false);
    expect(await lockOf(id).renew(lease + 1_000_000_000, 1_000)).toMatchObject({ reason: "NO_LONGER_VALID" });
    expect(await leaseOf(lockOf(id).acquire(1_000))).toBe(lease + 1_000_000_001);
  });

  it.each(["lease = 'x'", "lease = -1", "lease = 0.5", "lease = 9007199254740991", "lease = 9223372036854775807"])(
    "G2: After a row with an impossible lease number, numbers can still grow: %s.",
    async (change) => {
      const { id, lease } = await damaged(change);
      const next = await leaseOf(lockOf(id).acquire(1_000));
      expect([next > lease, Number.isSafeInteger(next + 1e9)]).toEqual([true, true]);
    },
  );

  it("G1: Of two rows that contradict each other the newer one counts, and the older lease is dead forever.", async () => {
    const { id, lease } = await damaged("owner = 'older'");
    await startFrom(id, ({ sql }) => {
      sql.exec("CREATE TABLE copy AS SELECT * FROM leases");
      sql.exec("UPDATE copy SET slot = 7, lease = lease + 1, request = 'other', owner = 'newer'");
      sql.exec("INSERT INTO leases SELECT * FROM copy");
    });
    expect((await stubOf(id).status()).holders).toMatchObject([{ owner: "newer" }]);
    expect(await stubOf(id).renew(lease, 60_000)).toMatchObject({ reason: "NO_LONGER_VALID", ended: "superseded" });
    await crash(id);
    expect((await stubOf(id).status()).holders).toMatchObject([{ owner: "newer" }]);
  });

  it("G1: A lease whose row claims years lasts a day, however often the object restarts.", async () => {
    const { id } = await damaged("ttl = 1e15, deadline = deadline + 1e12");
    expect(await lockOf(id).acquire(1_000)).toMatchObject({ reason: "BORROWED" });
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + DAY / 2 });
    await crash(id);
    expect(await lockOf(id).acquire(1_000)).toMatchObject({ reason: "BORROWED" });
    vi.setSystemTime(Date.now() + DAY / 2 + 1_000);
    await crash(id);
    expect(await lockOf(id).acquire(1_000)).toMatchObject({ success: true });
  });

  it("G8: After rows are lost, free slots are used again and the table does not grow.", async () => {
    const id = freshId();
    const READ = { permits: 1, capacity: Infinity };
    for (let n = 0; n < 3; n += 1) await lockOf(id).acquire(60_000, READ);
    await startFrom(id, ({ sql }) => sql.exec("DELETE FROM leases WHERE slot < 2"));
    for (let n = 0; n < 3; n += 1) expect(await lockOf(id).acquire(60_000, READ)).toMatchObject({ success: true });
    expect((await rowsOf(id)).length).toBe(4);
    expect((await stubOf(id).status()).holders).toHaveLength(4);
  });
});

describe("Tables of another shape", () => {
  it.each([
    "CREATE TABLE leases (tenant TEXT, rent REAL)",
    "CREATE TABLE leases (slot INTEGER, lease INTEGER PRIMARY KEY, request TEXT)",
    "CREATE TABLE leases (slot INTEGER PRIMARY KEY, lease INTEGER, note TEXT)",
  ])("The first grant sets a table of another shape aside, and its rows stay: %s.", async (create) => {
    const id = freshId();
    await startFrom(id, ({ sql }) => {
      sql.exec(create);
      sql.exec(
        "INSERT INTO leases VALUES (1, 2 /* and so on */)".replace(
          "2 /* and so on */",
          create.includes("tenant") ? "2" : "2, 'x'",
        ),
      );
    });
    expect(await lockOf(id).isLocked()).toBe(false);
    expect(await columnsOf(id)).not.toContain("deadline");
    const lease = await leaseOf(lockOf(id).acquire(60_000));
    await crash(id);
    expect(await lockOf(id).renew(lease, 60_000)).toMatchObject({ success: true });
    expect(await rowsOf(id, "leases_set_aside")).toHaveLength(1);
    expect(await rowsOf(id)).toMatchObject([{ lease }]);
  });

  it("A table that is set aside is reported, and replaces one that was set aside before.", async () => {
    const id = freshId();
    const told = vi.spyOn(console, "error").mockImplementation(() => {});
    await startFrom(id, ({ sql }) => {
      sql.exec("CREATE TABLE leases_set_aside (old TEXT)");
      sql.exec("CREATE TABLE leases (tenant TEXT, rent REAL)");
    });
    await leaseOf(lockOf(id).acquire(60_000));
    expect(told).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('kept as "leases_set_aside"'));
    expect(await columnsOf(id, "leases_set_aside")).toEqual(["tenant", "rent"]);
    told.mockRestore();
  });
});
