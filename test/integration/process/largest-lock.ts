// A process with a small heap that starts the largest legal lock from its rows, uses every slot again, and forgets it.
// Prints as JSON what the lock kept in memory after each of these, in MB.
//
//   node --expose-gc --max-old-space-size=MB largest-lock.ts
import { randomBytes } from "node:crypto";
import { NO_RECORDS, recordsPerSlot, withRecord } from "../../../src/core/leases/past-records.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { LockState } from "../../../src/core/lock-state.ts";
import { checkRequest } from "../../../src/core/request.ts";
import { LEASES, rowOf } from "../../../src/object/storage/lease-row.ts";
import { LeaseStorage } from "../../../src/object/storage/lease-storage.ts";
import type { Row } from "../../../src/object/storage/object-storage.ts";
import { Table } from "../../../src/object/storage/table.ts";

const SLOTS = LIMITS.maxLeases;
const START = 1_800_000_000_000;
/** Short leases, so that those in the rows end when the process says so. */
const TTL = 60_000;

/** A new text of the greatest length, as one that has come over the network. */
const text = () => randomBytes(LIMITS.maxTextBytes / 2).toString("hex");

/** The rows, one after another: storage is not part of the lock's memory. */
function* storedRows(): Generator<Row> {
  const firstLease = START * 1_000;
  for (let index = 0; index < SLOTS; index += 1) {
    const [requestId, renewalId, owner] = [text(), text(), text()];
    // The first slots have more records than the others: they were used when there were fewer slots.
    const most = recordsPerSlot(index + 1);
    let past = NO_RECORDS;
    for (let use = 0; use < most; use += 1)
      past = withRecord(past, { requestId: text(), lease: 1 + use, how: "released", releaseId: text() }, most);
    const claim = { exclusive: false, permits: 1, capacity: Number.POSITIVE_INFINITY };
    const times = { since: START, ttl: TTL, deadline: START + TTL };
    const rest = { lockDelay: 0, job: undefined, releaseRequested: false };
    const lease = { lease: firstLease + index, requestId, renewalId, owner, ...claim, ...times, ...rest };
    yield rowOf({ index, lease, end: undefined, past });
  }
}

/** SQL storage with the rows above, which forgets what is written to it. */
const sql = {
  exec(query: string): unknown {
    if (query.startsWith("SELECT")) return storedRows();
    const columns = Object.keys({ ...LEASES.columns, ...LEASES.added });
    return { toArray: () => columns.map((name, index) => ({ name, pk: index === 0 ? 1 : 0 })) };
  },
};

function heap(): number {
  // One collection leaves what only the next one finds.
  for (let round = 0; round < 3; round += 1) globalThis.gc?.();
  return process.memoryUsage().heapUsed / 1e6;
}

const before = heap();
const kept = () => heap() - before;

const table = new Table(sql as never, LEASES);
const storage = new LeaseStorage({ table: () => table } as never);
const state = new LockState(storage.load(), START);
const write = () => storage.write(state.takeEffects().writes);
const started = kept();

const later = START + TTL;
state.wake(later);
write();
for (let slot = 0; slot < SLOTS; slot += 1) {
  const options = { owner: text(), requestId: text(), capacity: Number.POSITIVE_INFINITY };
  const granted = state.acquire(checkRequest(TTL, options, text), later);
  if (!granted.success) throw new Error(`The lock refused lease ${slot}: ${granted.reason}`);
  write();
}
const used = kept();
table.forget();
state.forget();
const forgotten = kept();
if (state.isLocked(later)) throw new Error("The lock is still held.");
console.log(JSON.stringify({ started, used, forgotten }));
