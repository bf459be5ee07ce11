// A process that starts the largest legal object from its storage, and reports how long that takes and what it keeps.
//
//   node --expose-gc worst-object.ts SOURCE USES
import { join } from "node:path";
import type { LeaseStorage as Storage } from "../../src/object/storage/lease-storage.ts";
import type { LockState as State } from "../../src/core/lock-state.ts";
import { MemoryStorage } from "../../test/support/memory-storage.ts";
import { Core, coreOf } from "./core.ts";

const SLOTS = 10_000;
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
  for (let use = 0; use < Number(uses); use += 1) {
    const leases = Array.from({ length: SLOTS }, () => core.acquireShared());
    if (use < Number(uses) - 1) for (const lease of leases) core.release(lease);
  }
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
