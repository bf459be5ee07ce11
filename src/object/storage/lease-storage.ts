import type { Slot } from "../../core/leases/slots.ts";
import { LEASES, rowOf, slotsOf } from "./lease-row.ts";
import type { ObjectStorage, Rows } from "./object-storage.ts";

/** The rows of a lock: one lease, one row. Nothing is created before the first grant. */
export class LeaseStorage {
  readonly #table: Rows;

  constructor(storage: ObjectStorage) {
    this.#table = storage.table(LEASES);
  }

  /** Whether anything was ever stored and not wiped since. */
  get exists(): boolean {
    return this.#table.exists;
  }

  /** Everything stored. */
  load(): Slot[] {
    return slotsOf(this.#table.rows());
  }

  write(slots: Iterable<Slot>): void {
    for (const slot of slots) this.#table.put(rowOf(slot));
  }
}
