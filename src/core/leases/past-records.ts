import { sha256 } from "@noble/hashes/sha2.js";
import { givenId, tokenNameOf } from "../caller.ts";
import type { LeaseEnd } from "../replies.ts";
import { isLeaseNumber } from "./lease.ts";
import type { PastRequest } from "./past-request.ts";

/**
 * What storage keeps of an earlier lease of a slot: enough to recognise a duplicate that arrives after a restart.
 *
 * A record has 41 bytes: the hashes of the request and of the release, 16 bytes each, the lease number, and the end. A
 * hash is 128 bits of SHA-256. If the hashes of two requests collided, the second would be taken for a repetition of
 * the first and get `NO_LONGER_VALID`; it would never get a lease that another request holds. docs/guarantees.md says how
 * unlikely that is.
 */
export interface PastRecord {
  requestHash: string;
  lease: number;
  how: LeaseEnd;
  /** Undefined if no release ended the lease. */
  releaseHash: string | undefined;
}

/** A list of records, newest first. It is never changed, and its buffer holds nothing else. */
export type Records = Uint8Array<ArrayBuffer>;

/** The list of a slot that has had only one lease. */
export const NO_RECORDS: Records = new Uint8Array(0);

const HASH_BYTES = 16;
const LEASE_AT = HASH_BYTES;
const HOW_AT = LEASE_AT + 8;
const RELEASE_AT = HOW_AT + 1;
const RECORD_BYTES = RELEASE_AT + HASH_BYTES;

/**
 * How many records a slot keeps at most.
 *
 * The list is rewritten with each grant. With this many, an ordinary row has less than 950 bytes, so a commit writes
 * one page of the database; from about 1,000 bytes on it writes several.
 */
export const MOST_PER_SLOT = 15;

/** How many records all slots of a lock keep together. With many slots, each keeps fewer: they must fit into memory. */
const MOST_PER_LOCK = 10_000;

/** Every way a lease can end. A record stores the index, so the order must stay. */
export const ENDS = ["released", "expired", "superseded"] as const satisfies readonly LeaseEnd[];

/** How many records each of so many slots keeps. */
export function recordsPerSlot(slots: number): number {
  return Math.max(1, Math.min(MOST_PER_SLOT, Math.floor(MOST_PER_LOCK / slots)));
}

/** A list with one more record in front, and at most `most` in all. */
export function withRecord(records: Records, past: PastRequest, most: number): Records {
  const kept = firstRecords(records, most - 1);
  const list = new Uint8Array(RECORD_BYTES + kept.length);
  write(list, past);
  list.set(kept, RECORD_BYTES);
  return list;
}

/** The first `most` records of a list. */
export function firstRecords(records: Records, most: number): Records {
  return records.length <= most * RECORD_BYTES ? records : records.slice(0, most * RECORD_BYTES);
}

/** Reads a list, newest first. A damaged record is skipped: exclusion does not depend on it. */
export function* readRecords(records: Records): Generator<PastRecord> {
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  for (let at = 0; at + RECORD_BYTES <= records.length; at += RECORD_BYTES) {
    const lease = view.getFloat64(at + LEASE_AT);
    const kind = view.getUint8(at + HOW_AT);
    const how = ENDS[kind >> 1];
    if (!isLeaseNumber(lease) || how === undefined) continue;
    yield {
      requestHash: textOf(records.subarray(at, at + HASH_BYTES)),
      lease,
      how,
      releaseHash: kind & 1 ? textOf(records.subarray(at + RELEASE_AT, at + RECORD_BYTES)) : undefined,
    };
  }
}

/** The hash of a whole request id, as text of 16 characters. */
export function hashOf(requestId: string): string {
  return textOf(hashBytes(requestId));
}

function write(list: Records, { requestId, lease = 0, how, releaseId }: PastRequest): void {
  const view = new DataView(list.buffer);
  list.set(hashBytes(requestId));
  view.setFloat64(LEASE_AT, lease);
  view.setUint8(HOW_AT, 2 * ENDS.indexOf(how) + (releaseId === undefined ? 0 : 1));
  if (releaseId !== undefined) list.set(hashBytes(releaseId), RELEASE_AT);
}

const encoder = new TextEncoder();

/** Separates token name and id; no text in UTF-8 contains this byte. */
const SEPARATOR = 0xff;

function hashBytes(requestId: string): Uint8Array {
  const tokenName = tokenNameOf(requestId);
  const id = encoder.encode(givenId(requestId));
  return sha256(tokenName === undefined ? id : joined(encoder.encode(tokenName), id)).subarray(0, HASH_BYTES);
}

function joined(tokenName: Uint8Array, id: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(tokenName.length + 1 + id.length);
  bytes.set(tokenName);
  bytes[tokenName.length] = SEPARATOR;
  bytes.set(id, tokenName.length + 1);
  return bytes;
}

function textOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
