import { describe, expect, it } from "vitest";
import { once } from "../../../src/index.ts";
import FIRST_VERSION from "../../support/fixtures/leases-first-version.sql?raw";
import { costOf } from "../../support/cost.ts";
import { crash, freshId, leaseOf, lockOf, stubOf } from "../../support/locks.ts";
import { columnsOf, rowsOf, startFrom } from "../../support/tables.ts";

/** When the first version wrote the fixture, and what it holds. */
const WRITTEN_AT = 1_795_445_178_827;
const LIVE = 1_795_445_178_655_000;
const LIVE_TOO = 1_795_445_178_681_000;
const RAN_OUT = 1_795_445_178_743_000;
const RELEASED = 1_795_445_178_753_000;
const READ = { permits: 1, capacity: Infinity };
const ADDED = ["lock_delay", "once", "release_requested", "token_name"];

/** A lock whose rows the first version wrote a moment ago. */
async function lockOfFirstVersion(): Promise<string> {
  const id = freshId();
  await startFrom(id, ({ sql }) => {
    sql.exec(FIRST_VERSION);
    const age = Date.now() - WRITTEN_AT;
    sql.exec("UPDATE leases SET since = since + ?, deadline = deadline + ?", age, age);
  });
  return id;
}

describe("A table that the first version wrote", () => {
  it("The status shows the holders of a table that the first version wrote, and no others.", async () => {
    const { holders } = await stubOf(await lockOfFirstVersion()).status();
    expect(holders).toMatchObject([
      { lease: LIVE, owner: "live, renewed", exclusive: false, ...READ },
      { lease: LIVE_TOO, owner: "live too", exclusive: false, permits: 2, capacity: 8 },
    ]);
  });

  it("G1: Leases of the first version exclude, can be renewed and converted, and free the lock when released.", async () => {
    const id = await lockOfFirstVersion();
    const lock = lockOf(id);
    expect(await lock.acquire(1_000)).toMatchObject({ reason: "BORROWED" });
    expect(await lock.acquire(1_000, { permits: 6, capacity: 8 })).toMatchObject({ reason: "BORROWED" });
    expect(await lock.renew(LIVE, 60_000)).toMatchObject({ success: true, lease: LIVE });
    expect(await lock.release(LIVE)).toBe(true);
    expect(await stubOf(id).convert(LIVE_TOO)).toMatchObject({ success: true, lease: LIVE_TOO });
    expect(await lock.acquire(1_000, READ)).toMatchObject({ reason: "BORROWED" });
    expect(await lock.release(LIVE_TOO)).toBe(true);
    expect(await lock.acquire(1_000)).toMatchObject({ success: true });
  });

  it("G2: Lease numbers continue to grow above those of the first version.", async () => {
    const id = await lockOfFirstVersion();
    expect(await leaseOf(lockOf(id).acquire(1_000, READ))).toBeGreaterThan(RELEASED);
    // The number is also above all numbers given out under a clock that was ahead of ours.
    const ahead = freshId();
    await startFrom(ahead, ({ sql }) => {
      sql.exec(FIRST_VERSION);
      sql.exec("UPDATE leases SET lease = lease + 1000000000000000");
    });
    expect(await leaseOf(lockOf(ahead).acquire(1_000, READ))).toBe(RELEASED + 1_000_000_000_000_001);
  });

  it("G3, G5: Ended leases of the first version stay ended, and its requests are recognised.", async () => {
    const stub = stubOf(await lockOfFirstVersion());
    expect(await stub.renew(RAN_OUT, 1_000)).toMatchObject({ reason: "NO_LONGER_VALID", ended: "expired" });
    expect(await stub.release(RELEASED)).toMatchObject({ reason: "NO_LONGER_VALID", ended: "released" });
    expect(await stub.release(RELEASED, { requestId: "release-7" })).toBe(true);
    expect(await stub.acquire(1_000, { ...READ, requestId: "request-1" })).toMatchObject({ lease: LIVE });
    for (const requestId of ["request-2", "request-4", "request-5", "request-6", "request-7"])
      expect(await stub.acquire(1_000, { ...READ, requestId })).toMatchObject({ reason: "NO_LONGER_VALID" });
  });

  it("Leases of the first version belong to no token, so over HTTP only an admin can end them.", async () => {
    const stub = stubOf(await lockOfFirstVersion());
    const caller = (isAdmin: boolean) => ({ caller: { tokenName: "ci", isAdmin } });
    expect(await stub.release(LIVE, caller(false))).toEqual({ success: false, reason: "OTHER_TOKEN" });
    expect(await stub.renew(LIVE, 60_000, caller(true))).toMatchObject({ success: true, lease: LIVE });
    expect(await stub.release(LIVE, caller(true))).toBe(true);
    expect(await stub.release(LIVE_TOO)).toBe(true);
  });

  it("G10: Loading, a question and a refusal write nothing; the first write adds the missing columns once.", async () => {
    const id = await lockOfFirstVersion();
    expect(await costOf(id, () => lockOf(id).status())).toMatchObject({ written: 0 });
    expect(await costOf(id, () => lockOf(id).acquire(1_000))).toMatchObject({ written: 0 });
    expect(await columnsOf(id)).not.toContain("once");
    expect(await costOf(id, () => lockOf(id).renew(LIVE, 60_000))).toMatchObject({ written: 1 + ADDED.length });
    expect(await columnsOf(id)).toEqual(expect.arrayContaining(ADDED));
    expect(await costOf(id, () => lockOf(id).renew(LIVE, 60_000))).toEqual({ written: 1, read: 0, alarms: 0 });
    await crash(id);
    expect(await costOf(id, () => lockOf(id).renew(LIVE, 60_000))).toEqual({ written: 1, read: 0, alarms: 0 });
    expect(await rowsOf(id)).toHaveLength(4);
  });

  it("A table of the first version serves the features of later versions.", async () => {
    const id = await lockOfFirstVersion();
    const lock = lockOf(id);
    await lock.requestRelease();
    await crash(id);
    expect((await lock.status()).holders).toMatchObject([{ releaseRequested: true }, { releaseRequested: true }]);
    await lock.forceRelease();
    expect(await once(lock, () => "ran")).toBe("ran");
    await lock.acquire(5, { lockDelay: 60_000 });
    await crash(id);
    expect(await lock.acquire(1_000)).toMatchObject({ reason: "BORROWED", retryAfter: expect.any(Number) });
  });
});
