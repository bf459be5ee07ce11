import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { useLatch } from "../../../src/index.ts";
import PACKED from "../../support/fixtures/packed-0.1.0.sql?raw";
import { costOf } from "../../support/cost.ts";
import { freshId, leaseOf, lockOf, stubOf } from "../../support/locks.ts";
import { columnsOf, startFrom } from "../../support/tables.ts";

/** When the packed 0.1.0 wrote the fixture, and what it holds. */
const WRITTEN_AT = 1_795_657_954_249;
const SHARED = 1_795_657_953_922_000;
const RENEWED = 1_795_657_953_954_000;
const RELEASED = 1_795_657_954_081_000;
const MET = 1_795_657_954_172_000;
const BROKE = 1_795_657_954_249_000;
const READ = { permits: 1, capacity: Infinity };

/** A lock whose rows the packed 0.1.0 wrote a moment ago. */
async function packedLock(): Promise<string> {
  const id = freshId();
  await startFrom(id, ({ sql }) => {
    sql.exec(PACKED);
    const age = Date.now() - WRITTEN_AT;
    sql.exec("UPDATE leases SET since = since + ?, deadline = deadline + ?", age, age);
  });
  return id;
}

/** A latch and a barrier whose rows the packed 0.1.0 wrote. */
async function packedRendezvous(): Promise<string> {
  const id = freshId();
  const stub = env.DURABLE_RENDEZVOUS.getByName(id);
  await runInDurableObject(stub, (_object, { storage }) => void storage.sql.exec(PACKED));
  await runInDurableObject(stub, (_object, state) => state.abort("crashed by the test")).catch(() => {});
  return id;
}

describe("A lock that the packed 0.1.0 wrote", () => {
  it("G1: Live leases of the packed 0.1.0 hold the lock: a second caller is refused, and the holders go on.", async () => {
    const id = await packedLock();
    const lock = lockOf(id);
    expect((await lock.status()).holders).toMatchObject([
      { lease: SHARED, owner: "shared, with a lock-delay", exclusive: false, ...READ, releaseRequested: true },
      { lease: RENEWED, owner: "live, renewed", exclusive: false, permits: 2, capacity: 8 },
    ]);
    expect(await lock.acquire(1_000)).toMatchObject({ reason: "BORROWED" });
    expect(await lock.acquire(1_000, { permits: 6, capacity: 8 })).toMatchObject({ reason: "BORROWED" });
    expect(await lock.renew(SHARED, 60_000)).toMatchObject({ success: true, lease: SHARED });
    expect(await lock.release(SHARED)).toBe(true);
    expect(await lock.release(RENEWED)).toBe(true);
    expect(await leaseOf(lock.acquire(1_000))).toBeGreaterThan(RELEASED);
  });

  it("G3, G5: Ended leases and requests of the packed 0.1.0 are recognised.", async () => {
    const stub = stubOf(await packedLock());
    expect(await stub.renew(RELEASED, 1_000)).toMatchObject({ reason: "NO_LONGER_VALID", ended: "released" });
    expect(await stub.release(RELEASED, { requestId: "release-4" })).toBe(true);
    expect(await stub.acquire(600_000, { ...READ, requestId: "request-1" })).toMatchObject({ lease: SHARED });
    for (const requestId of ["request-3", "request-4"])
      expect(await stub.acquire(1_000, { ...READ, requestId })).toMatchObject({ reason: "NO_LONGER_VALID" });
  });

  it("The lock-delay of a lease of the packed 0.1.0 applies when the lease expires.", async () => {
    const id = await packedLock();
    await startFrom(id, ({ sql }) => void sql.exec("UPDATE leases SET deadline = ?", Date.now() - 1));
    expect(await lockOf(id).acquire(1_000)).toMatchObject({ reason: "BORROWED", retryAfter: expect.any(Number) });
  });

  it("G10: A refused acquire on a table of the packed 0.1.0 writes nothing, and its columns stay in place.", async () => {
    const id = await packedLock();
    const before = await columnsOf(id);
    expect(await costOf(id, () => lockOf(id).acquire(1_000))).toMatchObject({ written: 0 });
    await lockOf(id).renew(RENEWED, 60_000);
    expect((await columnsOf(id)).slice(0, before.length)).toEqual(before);
  });
});

describe("A latch and a barrier that the packed 0.1.0 wrote", () => {
  it("G5: Count-downs and generations of the packed 0.1.0 still count.", async () => {
    const id = await packedRendezvous();
    const latch = useLatch(env.DURABLE_RENDEZVOUS, id, { count: 3 });
    expect(await latch.countDown({ requestId: "part 1" })).toBe(1);
    expect(await latch.countDown({ requestId: "part 3" })).toBe(0);
    const stub = env.DURABLE_RENDEZVOUS.getByName(id);
    const arrive = async (requestId: string) =>
      await stub.arriveAtBarrier({ parties: 2, requestId, wait: 5_000, waited: 0 }).outcome.reply();
    expect(await arrive("one")).toEqual({ success: true, generation: MET, index: 0 });
    expect(await arrive("other")).toEqual({ success: true, generation: MET, index: 1 });
    expect(await arrive("left")).toEqual({ success: false, reason: "BROKEN", why: "aborted" });
    const [next] = await Promise.all([arrive("third"), arrive("fourth")]);
    expect(next.success && next.generation).toBeGreaterThan(BROKE);
  });
});
