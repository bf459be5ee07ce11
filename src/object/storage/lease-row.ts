import { givenId, scopedTo, tokenNameOf } from "../../core/caller.ts";
import { type Claim, type Lease, isLeaseNumber, jobOf, onceOf } from "../../core/leases/lease.ts";
import { ENDS, MOST_PER_SLOT, NO_RECORDS, withRecord } from "../../core/leases/past-records.ts";
import type { PastRequest } from "../../core/leases/past-request.ts";
import type { Slot } from "../../core/leases/slots.ts";
import { LIMITS } from "../../core/limits.ts";
import type { LeaseEnd } from "../../core/replies.ts";
import type { Row, TableShape } from "./object-storage.ts";

/** The table of leases, with one row for each slot. */
export const LEASES: TableShape = {
  name: "leases",
  columns: {
    slot: "INTEGER PRIMARY KEY",
    lease: "INTEGER NOT NULL",
    request: "TEXT NOT NULL",
    owner: "TEXT",
    exclusive: "INTEGER NOT NULL",
    permits: "REAL NOT NULL",
    capacity: "REAL NOT NULL",
    since: "REAL NOT NULL",
    ttl: "REAL NOT NULL",
    deadline: "REAL NOT NULL",
    renewal: "TEXT",
    ended: "TEXT",
    ended_by: "TEXT",
    past: "TEXT NOT NULL",
  },
  added: {
    lock_delay: "REAL NOT NULL DEFAULT 0",
    once: "TEXT",
    release_requested: "INTEGER NOT NULL DEFAULT 0",
    token_name: "TEXT",
  },
  about: "lease",
};

/** The row of a slot. A value that has not changed is identical to that of the last call, so it is not written again. */
export function rowOf({ index, lease, end, past }: Slot): Row {
  const tokenName = tokenNameOf(lease.requestId);
  return {
    slot: index,
    lease: lease.lease,
    request: givenId(lease.requestId),
    owner: lease.owner ?? null,
    exclusive: lease.exclusive ? 1 : 0,
    permits: lease.permits,
    capacity: lease.capacity,
    since: lease.since,
    ttl: lease.ttl,
    deadline: lease.deadline,
    renewal: storedId(lease.renewalId, tokenName),
    ended: end?.how ?? null,
    ended_by: storedId(end?.releaseId, tokenName),
    past: past.buffer,
    lock_delay: lease.lockDelay,
    once: onceOf(lease.job) ?? null,
    release_requested: lease.releaseRequested ? 1 : 0,
    token_name: tokenName ?? null,
  };
}

/**
 * How a request id is stored in the row of a lease.
 *
 * If the request and the lease have the same token name, it is the given id, as text. Otherwise it is the whole id, as
 * bytes, so the two can't be confused.
 */
function storedId(requestId: string | undefined, tokenName: string | undefined): string | ArrayBuffer | null {
  if (requestId === undefined) return null;
  if (tokenNameOf(requestId) === tokenName) return givenId(requestId);
  return new TextEncoder().encode(JSON.stringify(requestId)).slice().buffer;
}

function idOf(stored: unknown, tokenName: string | undefined): string | undefined {
  if (typeof stored === "string") return scopedTo(tokenName, stored);
  if (!(stored instanceof ArrayBuffer)) return undefined;
  try {
    return textOf(JSON.parse(new TextDecoder().decode(stored)));
  } catch {
    return undefined;
  }
}

/**
 * Reads slots from rows. A damaged row must neither take the lock down nor free a lease that may be held.
 *
 * If the slot or the deadline can't be read, the lease is dead, but its number is not reused. Without a number there is
 * no lease. Any other field that can't be read gets the value that lets in the fewest others.
 */
export function slotsOf(rows: Iterable<Row>): Slot[] {
  const slots: Slot[] = [];
  const misplaced: Row[] = [];
  const taken = new Set<unknown>();
  for (const row of rows) {
    taken.add(row["slot"]);
    if (!isLeaseNumber(row["lease"])) continue;
    if (isIndex(row["slot"])) slots.push(slotOf(row, row["slot"]));
    else misplaced.push(row);
  }
  let unused = 0;
  for (const row of misplaced) {
    while (taken.has(unused)) unused += 1;
    slots.push(slotOf(row, unused++));
  }
  return slots;
}

function slotOf(row: Row, index: number): Slot {
  const isReadable = index === row["slot"] && isTime(row["deadline"]);
  const deadline = isReadable ? (row["deadline"] as number) : 0;
  // Without a token name the lease belongs to no token: over HTTP, only an admin may end it.
  const tokenName = textOf(row["token_name"]);
  const lease: Lease = {
    lease: row["lease"] as number,
    // No request can have an empty id, so none matches this lease.
    requestId: scopedTo(tokenName, textOf(row["request"]) ?? ""),
    owner: textOf(row["owner"]),
    ...claimOf(row),
    since: isTime(row["since"]) ? row["since"] : deadline,
    ttl: isWithin(row["ttl"], 1, LIMITS.maxTtl) ? row["ttl"] : LIMITS.maxTtl,
    deadline,
    renewalId: idOf(row["renewal"], tokenName),
    lockDelay: isWithin(row["lock_delay"], 0, LIMITS.maxTtl) ? row["lock_delay"] : 0,
    job: jobOf(textOf(row["once"])),
    releaseRequested: row["release_requested"] === 1,
  };
  return { index, lease, end: endOf(row, lease, isReadable), past: pastOf(row["past"]) };
}

function claimOf({ exclusive, permits, capacity }: Row): Claim {
  const isWhole = isWithin(permits, 1, Number.MAX_SAFE_INTEGER) && Number.isInteger(permits);
  const isShared = exclusive === 0 && isWhole && isWithin(capacity, 1, Infinity);
  return isShared ? { exclusive: false, permits, capacity } : { exclusive: true, permits: 1, capacity: 1 };
}

function endOf(row: Row, { requestId, lease }: Lease, isReadable: boolean): PastRequest | undefined {
  const { ended, ended_by } = row;
  if (isReadable && (ended === null || ended === undefined)) return undefined;
  const releaseId = idOf(ended_by, tokenNameOf(requestId));
  // A newer version may have written a kind of end that is unknown here. The lease has ended in any case.
  const how = isEnd(ended) ? ended : "superseded";
  return { requestId, lease, how, ...(releaseId !== undefined && { releaseId }) };
}

/** If the past requests can't be read, they are dropped: exclusion does not depend on them. */
function pastOf(stored: unknown): Uint8Array<ArrayBuffer> {
  return stored instanceof ArrayBuffer ? new Uint8Array(stored) : recordsOf(listedIn(stored));
}

function recordsOf(past: PastRequest[]): Uint8Array<ArrayBuffer> {
  return past.reduceRight((records, one) => withRecord(records, one, MOST_PER_SLOT), NO_RECORDS);
}

/** The past requests as earlier versions stored them: as JSON, with their whole ids. */
function listedIn(stored: unknown): PastRequest[] {
  try {
    const past: unknown = JSON.parse(String(stored));
    return Array.isArray(past) ? past.filter(isPast).slice(0, MOST_PER_SLOT) : [];
  } catch {
    return [];
  }
}

function isPast(value: unknown): value is PastRequest {
  if (typeof value !== "object" || value === null) return false;
  const { requestId, lease, how } = value as Record<string, unknown>;
  return typeof requestId === "string" && (lease === undefined || isLeaseNumber(lease)) && isEnd(how);
}

function isEnd(value: unknown): value is LeaseEnd {
  return (ENDS as readonly unknown[]).includes(value);
}

function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && isWithin(value, 0, Infinity);
}

function isTime(value: unknown): value is number {
  return isWithin(value, 0, Number.MAX_SAFE_INTEGER);
}

function isWithin(value: unknown, min: number, max: number): value is number {
  return typeof value === "number" && value >= min && value <= max;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
