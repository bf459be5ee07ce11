import type { Slot } from "../../core/leases/slots.ts";
import { LEASES, rowOf, slotsOf } from "./lease-row.ts";
import type { ObjectStorage, Rows } from "./object-storage.ts";

/** The stored leases of a lock, one row per slot. No table exists before the first grant. */
export class LeaseStorage {
  readonly #table: Rows;

  constructor(storage: ObjectStorage) {
    this.#table = storage.table(LEASES);
  }

  /** Whether anything is stored, or was stored since the last wipe. */
  get exists(): boolean {
    return this.#table.exists;
  }

  /** Everything that is stored. */
  load(): Slot[] {
    return slotsOf(this.#table.rows());
  }

  write(slots: Iterable<Slot>): void {
    for (const slot of slots) this.#table.put(rowOf(slot));
  }
}
