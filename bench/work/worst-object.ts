// A process that starts the largest legal object from its storage, and reports how long that takes and what it keeps.
//
//   node --expose-gc worst-object.ts SOURCE USES
import { join } from "node:path";
import type { LeaseStorage as Storage } from "../../src/object/storage/lease-storage.ts";
import type { LockState as State } from "../../src/core/lock-state.ts";
import { MemoryStorage } from "../../test/support/memory-storage.ts";
import { Core, coreOf } from "./core.ts";

const SLOTS = 10_000;
/** If it takes longer than this to fill all slots once, in ms, they are not filled many times. */
const SLOW = 2_000;
/** The longest that a request id may be. */
const PAD = "x".repeat(512);

const [path = "", uses = "1"] = process.argv.slice(2);
const source = { library: "", path };
const { LeaseStorage } = (await import(join(path, "object/storage/lease-storage.ts"))) as {
  LeaseStorage: typeof Storage;
};
const { LockState } = (await import(join(path, "core/lock-state.ts"))) as { LockState: typeof State };

/** Stores what the last of many uses has left in each slot. */
async function seeded(): Promise<MemoryStorage> {
  const create = await coreOf(source);
  const core = create([], PAD);
  const storage = new MemoryStorage();
  const rows = new LeaseStorage(storage);
  const fill = () => Array.from({ length: SLOTS }, () => core.acquireShared());
  const since = performance.now();
  for (const lease of fill()) core.release(lease);
  // While acquiring costs more among many holders, the uses in between take place one at a time, in each slot in turn.
  const isSlow = performance.now() - since > SLOW;
  for (let use = 2; use < Number(uses); use += 1)
    if (isSlow) for (let slot = 0; slot < SLOTS; slot += 1) core.release(core.acquireShared());
    else for (const lease of fill()) core.release(lease);
  fill();
  rows.write(core.rows.values());
  return storage;
}

const used = () => {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 1e6;
};

const storage = await seeded();
const before = used();
const since = performance.now();
const state = new LockState(new LeaseStorage(storage).load(), Core.start);
const ms = performance.now() - since;
const atStart = process.memoryUsage().heapUsed / 1e6 - before;
const kept = used() - before;
if (state.newest(Core.start) === 0) throw new Error("The object has lost its leases.");
console.log(JSON.stringify({ ms, atStart, kept }));
