import { describe, expect, it } from "vitest";
import { scopedTo } from "../../../../src/core/caller.ts";
import {
  MOST_PER_SLOT,
  NO_RECORDS,
  firstRecords,
  hashOf,
  readRecords,
  recordsPerSlot,
  withRecord,
} from "../../../../src/core/leases/past-records.ts";

const LEASE = 1_800_000_000_000_000;

describe("G5 past records", () => {
  it("A record keeps the lease, its end, and the hashes of the request and of its release.", () => {
    const released = { requestId: "a", lease: LEASE, how: "released", releaseId: "b" } as const;
    const expired = { requestId: "c", lease: LEASE + 1, how: "expired" } as const;
    const superseded = { requestId: "d", lease: LEASE + 2, how: "superseded" } as const;
    const records = [released, expired, superseded].reduce((list, past) => withRecord(list, past, 3), NO_RECORDS);
    expect(records).toHaveLength(3 * 41);
    expect([...readRecords(records)]).toEqual([
      { requestHash: hashOf("d"), lease: LEASE + 2, how: "superseded", releaseHash: undefined },
      { requestHash: hashOf("c"), lease: LEASE + 1, how: "expired", releaseHash: undefined },
      { requestHash: hashOf("a"), lease: LEASE, how: "released", releaseHash: hashOf("b") },
    ]);
  });

  it("A full list drops its oldest record, and a list is never changed.", () => {
    const past = (index: number) => ({ requestId: `r${index}`, lease: LEASE + index, how: "released" }) as const;
    const two = withRecord(withRecord(NO_RECORDS, past(1), 2), past(2), 2);
    const three = withRecord(two, past(3), 2);
    expect([...readRecords(three)].map(({ lease }) => lease - LEASE)).toEqual([3, 2]);
    expect([...readRecords(two)].map(({ lease }) => lease - LEASE)).toEqual([2, 1]);
    expect([...readRecords(firstRecords(three, 1))].map(({ lease }) => lease - LEASE)).toEqual([3]);
    expect(firstRecords(three, 5)).toBe(three);
  });

  it("The hash of an id depends on its token name, and no two ways to write name and id have the same hash.", () => {
    const ids = [
      "ab",
      scopedTo("a", "b"),
      scopedTo("ab", ""),
      scopedTo("", "ab"),
      scopedTo("a\ufffd", "b"),
      scopedTo("a", "\ufffdb"),
      "a\ufffdb",
    ];
    expect(new Set(ids.map(hashOf)).size).toBe(ids.length);
    expect(hashOf("abc")).toHaveLength(16);
  });

  it("A lock with many slots keeps fewer records in each, so that all of them fit into memory.", () => {
    expect([1, 100, 666].map(recordsPerSlot)).toEqual([MOST_PER_SLOT, MOST_PER_SLOT, MOST_PER_SLOT]);
    expect([1_000, 5_000, 5_001, 10_000, 20_000].map(recordsPerSlot)).toEqual([10, 2, 1, 1, 1]);
  });
});
