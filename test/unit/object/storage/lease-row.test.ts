import { describe, expect, it } from "vitest";
import { scopedTo } from "../../../../src/core/caller.ts";
import { MOST_PER_SLOT, NO_RECORDS, readRecords, withRecord } from "../../../../src/core/leases/past-records.ts";
import type { PastRequest } from "../../../../src/core/leases/past-request.ts";
import type { Slot } from "../../../../src/core/leases/slots.ts";
import { LIMITS } from "../../../../src/core/limits.ts";
import { rowOf, slotsOf } from "../../../../src/object/storage/lease-row.ts";
import type { Row } from "../../../../src/object/storage/object-storage.ts";

const NOW = 1_800_000_000_000;
const DAY = 86_400_000;

const BARE: Slot = {
  index: 0,
  lease: {
    lease: 7,
    requestId: "request",
    owner: undefined,
    exclusive: true,
    permits: 1,
    capacity: 1,
    since: NOW,
    ttl: 1_000,
    deadline: NOW + 1_000,
    renewalId: undefined,
    lockDelay: 0,
    job: undefined,
    releaseRequested: false,
  },
  end: undefined,
  past: NO_RECORDS,
};

/** What a slot keeps of earlier leases, newest first. */
const recordsOf = (...past: PastRequest[]) =>
  past.reduceRight((records, one) => withRecord(records, one, past.length), NO_RECORDS);

const BEFORE: PastRequest = { requestId: "before", lease: 6, how: "expired" };
const EARLIER: PastRequest = { requestId: "earlier", lease: 5, how: "released", releaseId: "its release" };

const FULL: Slot = {
  index: 3,
  lease: {
    ...BARE.lease,
    owner: "owner",
    exclusive: false,
    permits: 2,
    capacity: Infinity,
    renewalId: "renewal",
    lockDelay: 5_000,
    job: { fingerprint: "sha" },
    releaseRequested: true,
  },
  end: { requestId: "request", lease: 7, how: "released", releaseId: "release" },
  past: recordsOf(BEFORE, EARLIER),
};

/** Reads a row that was intact before `damage`. */
const damaged = (damage: Row, slot = FULL): Slot | undefined => slotsOf([{ ...rowOf(slot), ...damage }])[0];

describe("Lease rows", () => {
  it("A lease is read back from its row unchanged, whatever fields it has.", () => {
    expect(slotsOf([BARE, FULL].map(rowOf))).toEqual([BARE, FULL]);
    const expired: Slot = { ...BARE, end: { requestId: "request", lease: 7, how: "expired" } };
    expect(slotsOf([rowOf(expired)])).toEqual([expired]);
  });

  it("A row keeps the token names of requests, the lease's own and another's.", () => {
    const id = (name: string | undefined, given: string) => scopedTo(name, given);
    const lease = { ...FULL.lease, requestId: id("ci", "request"), renewalId: id("ci", "renewal") };
    const end = { requestId: lease.requestId, lease: 7, how: "released", releaseId: id("ci", "release") } as const;
    const past = recordsOf({ ...BEFORE, requestId: id("other", "before") });
    const own: Slot = { ...FULL, lease, end, past };
    expect(rowOf(own)).toMatchObject({ request: "request", renewal: "renewal", ended_by: "release", token_name: "ci" });
    const foreign = (name: string | undefined): Slot => ({
      ...own,
      lease: { ...lease, renewalId: id(name, "renewal") },
      end: { ...end, releaseId: id(name, "release") },
    });
    const overRpc = { ...FULL, lease: { ...FULL.lease, renewalId: id("admin", "renewal") } };
    const slots = [own, foreign("admin"), foreign(undefined), overRpc];
    expect(slotsOf(slots.map((slot, index) => rowOf({ ...slot, index })))).toEqual(
      slots.map((slot, index) => ({ ...slot, index })),
    );
  });

  it("A row that an older version wrote with fewer columns is read as the same lease.", () => {
    const { lock_delay: _delay, once: _once, release_requested: _asked, token_name: _name, ...older } = rowOf(BARE);
    expect(slotsOf([older])).toEqual([BARE]);
  });
});

describe("G1 damaged rows", () => {
  it("A damaged row without a valid lease number holds no lease.", () => {
    for (const lease of [0, -1, 1.5, "7", null, Number.MAX_SAFE_INTEGER]) expect(damaged({ lease })).toBeUndefined();
  });

  it("A damaged row without a valid slot gets a free one, is dead and keeps its lease number.", () => {
    const rows: Row[] = [
      { ...rowOf(BARE), slot: 0 },
      { ...rowOf(BARE), slot: "x", lease: 8 },
      { ...rowOf(BARE), slot: 1, lease: 9 },
      { ...rowOf(BARE), slot: -4, lease: 10 },
      { ...rowOf(BARE), slot: 2.5, lease: 11 },
    ];
    const slots = slotsOf(rows);
    expect(slots.map(({ index, lease }) => [index, lease.lease])).toEqual([
      [0, 7],
      [1, 9],
      [2, 8],
      [3, 10],
      [4, 11],
    ]);
    expect(slots.map(({ end }) => end?.how)).toEqual([undefined, undefined, "superseded", "superseded", "superseded"]);
  });

  it("A damaged row without a valid deadline is dead.", () => {
    for (const deadline of ["soon", null, -1, Infinity, Number.NaN]) {
      const slot = damaged({ deadline }, BARE);
      expect(slot?.lease.deadline).toBe(0);
      expect(slot?.end).toEqual({ requestId: "request", lease: 7, how: "superseded" });
    }
    expect(damaged({ deadline: 0 }, BARE)?.end).toBeUndefined();
    expect(damaged({ deadline: Number.MAX_SAFE_INTEGER }, BARE)?.end).toBeUndefined();
  });

  it("A damaged claim is read as the one that admits the fewest others.", () => {
    const exclusive = { exclusive: true, permits: 1, capacity: 1 };
    const damages = [{ exclusive: 2 }, { exclusive: null }, { permits: 0 }, { permits: 1.5 }, { permits: "2" }];
    for (const damage of [...damages, { capacity: 0 }]) expect(damaged(damage)?.lease).toMatchObject(exclusive);
    expect(damaged({ permits: 1, capacity: 1 })?.lease).toMatchObject({ exclusive: false, permits: 1, capacity: 1 });
    expect(damaged({ permits: Number.MAX_SAFE_INTEGER })?.lease).toMatchObject({ permits: Number.MAX_SAFE_INTEGER });
  });

  it("Damaged fields that are out of bounds are replaced by values within bounds.", () => {
    expect(damaged({ since: "then" })?.lease.since).toBe(NOW + 1_000);
    for (const ttl of [0, DAY + 1, "1"]) expect(damaged({ ttl })?.lease.ttl).toBe(LIMITS.maxTtl);
    for (const ttl of [1, DAY]) expect(damaged({ ttl })?.lease.ttl).toBe(ttl);
    for (const lock_delay of [-1, DAY + 1, "1"]) expect(damaged({ lock_delay })?.lease.lockDelay).toBe(0);
    for (const lock_delay of [0, DAY]) expect(damaged({ lock_delay })?.lease.lockDelay).toBe(lock_delay);
    expect(damaged({ release_requested: 2 })?.lease.releaseRequested).toBe(false);
    const texts = damaged({ request: 1, owner: 2, renewal: 3, once: 4, ended_by: 5 });
    expect(texts?.lease).toMatchObject({ requestId: "", owner: undefined, renewalId: undefined, job: undefined });
    expect(texts?.end).toEqual({ requestId: "", lease: 7, how: "released" });
    expect(damaged({ token_name: 7 })?.lease.requestId).toBe("request");
    const bytes = (text: string) => new TextEncoder().encode(text).slice().buffer;
    for (const renewal of [bytes("no JSON"), bytes("7"), new ArrayBuffer(0)])
      expect(damaged({ renewal })?.lease.renewalId).toBeUndefined();
  });

  it("A lease that ended in a way that only a newer version knows has ended.", () => {
    expect(damaged({ ended: "vanished" })?.end?.how).toBe("superseded");
    expect(damaged({ ended: "vanished", ended_by: null }, BARE)?.end?.how).toBe("superseded");
  });

  it("A damaged row keeps the past requests that can be read, and no more of them than would be written.", () => {
    for (const past of ["not JSON", "{}", "null", 7, null, new ArrayBuffer(0)])
      expect(damaged({ past })?.past).toEqual(NO_RECORDS);
    const records = recordsOf(BEFORE, EARLIER);
    for (const length of [81, 42, 41]) {
      const cut = damaged({ past: records.slice(0, length).buffer })?.past ?? NO_RECORDS;
      expect([...readRecords(cut)].map(({ lease }) => lease)).toEqual([6]);
    }
    const noNumber = records.map((byte, index) => (index >= 16 && index < 24 ? 0xff : byte));
    const unknownEnd = records.map((byte, index) => (index === 24 ? 0xff : byte));
    for (const { buffer } of [noNumber, unknownEnd])
      expect([...readRecords(damaged({ past: buffer })?.past ?? NO_RECORDS)].map(({ lease }) => lease)).toEqual([5]);
  });

  it("The past requests in a row of an older version, with whole ids in JSON, are read as if stored now.", () => {
    expect(damaged({ past: JSON.stringify([BEFORE, EARLIER]) })?.past).toEqual(recordsOf(BEFORE, EARLIER));
    const bad = [null, 7, "x", {}, { ...BEFORE, requestId: 7 }, { ...BEFORE, lease: "6" }, { ...BEFORE, how: "gone" }];
    expect(damaged({ past: JSON.stringify([...bad, BEFORE]) })?.past).toEqual(recordsOf(BEFORE));
    const many = Array.from({ length: 40 }, () => BEFORE);
    expect(damaged({ past: JSON.stringify(many) })?.past).toEqual(recordsOf(...many.slice(0, MOST_PER_SLOT)));
  });
});
