import { describe, expect, it } from "vitest";
import { crash, freshId, leaseOf, lockOf, stubOf } from "../../support/locks.ts";
import { rowsOf, startFrom } from "../../support/tables.ts";

/** A lock that the next version has used: its table has columns that this version doesn't know. */
async function lockOfNextVersion(): Promise<{ id: string; lease: number }> {
  const id = freshId();
  const lease = await leaseOf(lockOf(id).acquire(60_000, { owner: "next" }));
  await startFrom(id, ({ sql }) => {
    sql.exec("ALTER TABLE leases ADD COLUMN priority INTEGER NOT NULL DEFAULT 5");
    sql.exec("ALTER TABLE leases ADD COLUMN note TEXT");
    sql.exec("UPDATE leases SET priority = 9, note = 'kept'");
  });
  return { id, lease };
}

describe("A table that the next version wrote", () => {
  it("G1: A lock stays held when the object returns from the next version to this one.", async () => {
    const { id, lease } = await lockOfNextVersion();
    expect((await stubOf(id).status()).holders).toMatchObject([{ lease, owner: "next" }]);
    expect(await lockOf(id).acquire(1_000)).toMatchObject({ reason: "BORROWED" });
    expect(await lockOf(id).renew(lease, 60_000)).toMatchObject({ success: true, lease });
    expect(await lockOf(id).release(lease)).toBe(true);
    expect(await leaseOf(lockOf(id).acquire(1_000))).toBeGreaterThan(lease);
  });

  it("Columns that only the next version knows keep their values for as long as the lease has its row.", async () => {
    const { id, lease } = await lockOfNextVersion();
    await lockOf(id).renew(lease, 60_000);
    expect(await rowsOf(id)).toMatchObject([{ lease, priority: 9, note: "kept" }]);
    await lockOf(id).release(lease);
    expect(await rowsOf(id)).toMatchObject([{ lease, ended: "released", priority: 9, note: "kept" }]);
    const next = await leaseOf(lockOf(id).acquire(1_000));
    expect(await rowsOf(id)).toMatchObject([{ lease: next, priority: 5, note: null }]);
  });

  it.each([["revoked"], [""], [7]])(
    "G3: A lease that the next version ended in an unknown way, %j, has ended.",
    async (ended) => {
      const { id, lease } = await lockOfNextVersion();
      await startFrom(id, ({ sql }) => sql.exec("UPDATE leases SET ended = ?", ended));
      expect(await stubOf(id).renew(lease, 1_000)).toMatchObject({ reason: "NO_LONGER_VALID", ended: "superseded" });
      expect(await lockOf(id).acquire(1_000)).toMatchObject({ success: true });
    },
  );

  it("G1: A lease of a kind that only the next version knows excludes everything.", async () => {
    const { id, lease } = await lockOfNextVersion();
    await startFrom(id, ({ sql }) => sql.exec("UPDATE leases SET exclusive = 2, permits = 'some'"));
    expect(await lockOf(id).acquire(1_000, { permits: 1, capacity: Infinity })).toMatchObject({ reason: "BORROWED" });
    expect(await lockOf(id).release(lease)).toBe(true);
    await crash(id);
    expect(await lockOf(id).isLocked()).toBe(false);
  });
});
