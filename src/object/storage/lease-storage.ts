import type { Slot } from "../../core/leases/slots.ts";
import { LEASES, rowOf, slotsOf } from "./lease-row.ts";
import { Table } from "./table.ts";

/** The rows of a lock in the object's SQLite: one lease, one row. Nothing is created before the first grant. */
export class LeaseStorage {
  readonly #table: Table;

  constructor(sql: SqlStorage) {
    this.#table = new Table(sql, LEASES);
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

  /** To be called when all storage is deleted. */
  forget(): void {
    this.#table.forget();
  }
}
