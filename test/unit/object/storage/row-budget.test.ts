import { expect, it } from "vitest";
import { scopedTo } from "../../../../src/core/caller.ts";
import {
  type Records,
  MOST_PER_SLOT,
  NO_RECORDS,
  recordsPerSlot,
  withRecord,
} from "../../../../src/core/leases/past-records.ts";
import { LEASES, rowOf } from "../../../../src/object/storage/lease-row.ts";
import type { Row } from "../../../../src/object/storage/object-storage.ts";

const NOW = 1_800_000_000_000;

/** A row of more than about 1,000 bytes costs three frames of the write-ahead log per commit, instead of one. */
const MOST_BYTES = 950;

/** Past requests, as many as a slot keeps. */
function fullPast(): Records {
  const past = { requestId: "request", lease: 1, how: "released", releaseId: "release" } as const;
  return Array.from({ length: 2 * MOST_PER_SLOT }).reduce<Records>(
    (records) => withRecord(records, past, recordsPerSlot(1)),
    NO_RECORDS,
  );
}

/** The bytes of an integer. SQLite stores 0 and 1 in the type alone. */
function sizeOfInteger(value: number): number {
  if (value === 0 || value === 1) return 0;
  return [1, 2, 3, 4, 6].find((bytes) => Math.abs(value) < 2 ** (8 * bytes - 1)) ?? 8;
}

/** The bytes of a value and of its type in the header, in SQLite's record format. */
function sizeOf(column: string, value: SqlStorageValue): number {
  if (value === null) return 1;
  if (typeof value === "number") {
    // A whole number in a REAL column is stored as an integer if it takes six bytes at most.
    const isReal = (LEASES.columns[column] ?? LEASES.added?.[column])?.startsWith("REAL") ?? false;
    return 1 + (isReal && !Number.isInteger(value) ? 8 : sizeOfInteger(value));
  }
  const bytes = typeof value === "string" ? new TextEncoder().encode(value).length : value.byteLength;
  return (2 * bytes + 13 < 128 ? 1 : 2) + bytes;
}

function bytesOf(row: Row): number {
  const header = 1;
  return Object.entries(row).reduce((sum, [column, value]) => sum + sizeOf(column, value), header);
}

it("G10 A lease with UUIDs as ids and 64 bytes each for owner and token name fits in a row of 950 bytes, however often its slot was used.", () => {
  const id = () => scopedTo("t".repeat(64), crypto.randomUUID());
  const requestId = id();
  const row = rowOf({
    index: 9_999,
    lease: {
      lease: NOW * 1_000,
      requestId,
      owner: "o".repeat(64),
      exclusive: false,
      permits: 1_000,
      capacity: Infinity,
      since: NOW,
      ttl: 86_400_000,
      deadline: NOW + 86_400_000,
      renewalId: id(),
      lockDelay: 86_400_000,
      job: undefined,
      releaseRequested: true,
    },
    end: { requestId, lease: NOW * 1_000, how: "superseded", releaseId: id() },
    past: fullPast(),
  });
  expect(bytesOf(row)).toBe(923);
  expect(bytesOf(row)).toBeLessThanOrEqual(MOST_BYTES);
});
