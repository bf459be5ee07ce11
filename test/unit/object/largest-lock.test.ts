import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { LIMITS } from "../../../src/core/limits.ts";
import { crash, freshId, stubOf } from "../../support/locks.ts";

const FIRST = 1_800_000_000_000_000;

/** Rows of live leases for every slot, with ids and owners of 512 bytes and the past requests that so many slots keep. */
const ROWS = `WITH RECURSIVE slots (slot) AS (SELECT 0 UNION ALL SELECT slot + 1 FROM slots WHERE slot < ${LIMITS.maxLeases - 1})
  INSERT OR REPLACE INTO leases
    (slot, lease, request, owner, exclusive, permits, capacity, since, ttl, deadline, renewal, ended, ended_by, past)
  SELECT slot, ${FIRST} + slot, hex(randomblob(256)), hex(randomblob(256)), 0, 1, ?1, ?2, ?3, ?2 + ?3,
    hex(randomblob(256)), NULL, NULL, randomblob(CASE WHEN slot < 666 THEN 615 ELSE 41 END)
  FROM slots`;

describe("The largest lock that the limits allow", () => {
  it(
    "G9 G3 It starts from its rows, holds all its leases, ends them, and is cleaned up.",
    { timeout: 60_000 },
    async () => {
      const id = freshId();
      await stubOf(id).acquire(1_000, { capacity: Infinity });
      await runInDurableObject(stubOf(id), (_, { storage }) => {
        storage.sql.exec(ROWS, Infinity, Date.now(), LIMITS.maxTtl);
      });
      await crash(id);
      const { holders } = await stubOf(id).status();
      expect([holders.length, holders.at(-1)?.lease]).toEqual([LIMITS.maxLeases, FIRST + LIMITS.maxLeases - 1]);
      expect(await stubOf(id).acquire(1_000, { capacity: Infinity })).toMatchObject({ reason: "TOO_MANY_LEASES" });
      expect(await stubOf(id).renew(FIRST, 1_000)).toMatchObject({ success: true });
      expect(await stubOf(id).release(FIRST + 1)).toBe(true);
      await stubOf(id).forceRelease();
      await runInDurableObject(stubOf(id), (_, { storage }) => {
        storage.sql.exec("UPDATE leases SET since = 1, deadline = 2");
      });
      await crash(id);
      expect(await runDurableObjectAlarm(stubOf(id))).toBe(true);
      await runInDurableObject(stubOf(id), async (_, { storage }) => {
        expect([...storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'leases'")]).toEqual([]);
        expect(await storage.getAlarm()).toBeNull();
      });
    },
  );
});
