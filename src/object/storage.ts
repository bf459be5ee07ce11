import type { Lease } from "../core/lease.ts";
import type { PastLease } from "../core/past-leases.ts";
import type { LeaseEnd } from "../core/replies.ts";
import type { Slot } from "../core/slots.ts";

// WITHOUT ROWID: replacing a row of such a table is counted as one row written and none read; of an ordinary table
// with an integer key, as one written and one read (workerd of 2026-08).
const CREATE = `CREATE TABLE IF NOT EXISTS leases (
  slot INTEGER PRIMARY KEY,
  lease INTEGER NOT NULL,
  request TEXT NOT NULL,
  owner TEXT,
  exclusive INTEGER NOT NULL,
  permits REAL NOT NULL,
  capacity REAL NOT NULL,
  since REAL NOT NULL,
  ttl REAL NOT NULL,
  deadline REAL NOT NULL,
  renewal TEXT,
  ended TEXT,
  ended_by TEXT,
  past TEXT NOT NULL,
  lock_delay REAL NOT NULL,
  once TEXT,
  release_requested INTEGER NOT NULL
) WITHOUT ROWID`;

const WRITE = `INSERT OR REPLACE INTO leases VALUES (${Array(17).fill("?").join(", ")})`;

interface Row extends Record<string, SqlStorageValue> {
  slot: number;
  lease: number;
  request: string;
  owner: string | null;
  exclusive: number;
  permits: number;
  capacity: number;
  since: number;
  ttl: number;
  deadline: number;
  renewal: string | null;
  ended: LeaseEnd | null;
  ended_by: string | null;
  past: string;
  lock_delay: number;
  once: string | null;
  release_requested: number;
}

/** The rows of a lock in the object's SQLite: one lease, one row. Nothing is created before the first grant. */
export class LeaseStorage {
  readonly #sql: SqlStorage;
  #exists: boolean;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.#exists = sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'leases'").toArray().length > 0;
  }

  /** Whether anything was ever stored and not wiped since. */
  get exists(): boolean {
    return this.#exists;
  }

  /** Everything stored, in slot order. */
  load(): Slot[] {
    if (!this.#exists) return [];
    return this.#sql.exec<Row>("SELECT * FROM leases ORDER BY slot").toArray().map(slotOf);
  }

  write(slots: Iterable<Slot>): void {
    if (!this.#exists) this.#sql.exec(CREATE);
    this.#exists = true;
    for (const slot of slots) this.#sql.exec(WRITE, ...valuesOf(slot));
  }

  /** To be called when all storage is deleted. */
  forget(): void {
    this.#exists = false;
  }
}

function valuesOf({ index, lease, end, past }: Slot): SqlStorageValue[] {
  return [
    index,
    lease.lease,
    lease.requestId,
    lease.owner ?? null,
    lease.exclusive ? 1 : 0,
    lease.permits,
    lease.capacity,
    lease.since,
    lease.ttl,
    lease.deadline,
    lease.renewalId ?? null,
    end?.how ?? null,
    end?.releaseId ?? null,
    JSON.stringify(past),
    lease.lockDelay,
    lease.once ?? null,
    lease.releaseRequested ? 1 : 0,
  ];
}

function slotOf(row: Row): Slot {
  const lease: Lease = {
    lease: row.lease,
    requestId: row.request,
    owner: row.owner ?? undefined,
    exclusive: row.exclusive === 1,
    permits: row.permits,
    capacity: row.capacity,
    since: row.since,
    ttl: row.ttl,
    deadline: row.deadline,
    renewalId: row.renewal ?? undefined,
    lockDelay: row.lock_delay,
    once: row.once ?? undefined,
    releaseRequested: row.release_requested === 1,
  };
  return { index: row.slot, lease, end: endOf(row), past: pastOf(row) };
}

/** Without this memory the lock still excludes; a row that can't be read must not take the lock down. */
function pastOf(row: Row): PastLease[] {
  try {
    return JSON.parse(row.past) as PastLease[];
  } catch {
    return [];
  }
}

function endOf(row: Row): PastLease | undefined {
  if (row.ended === null) return undefined;
  return {
    requestId: row.request,
    lease: row.lease,
    how: row.ended,
    ...(row.ended_by !== null && { releaseId: row.ended_by }),
  };
}
