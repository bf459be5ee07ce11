import { sqlOf } from "../../core/no-sqlite.ts";
import type { KeyedValues, ObjectStorage, Rows, TableShape } from "./object-storage.ts";
import { Table } from "./table.ts";

/** Storage in the SQLite database of an object. Throws `INVALID_ARGUMENT` if the object's class has no SQLite. */
export class SqliteStorage implements ObjectStorage {
  readonly values: KeyedValues;
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;
  readonly #tables: Table[] = [];

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = sqlOf(storage);
    this.values = storage.kv;
  }

  table(shape: TableShape): Rows {
    const table = new Table(this.#sql, shape);
    this.#tables.push(table);
    return table;
  }

  getAlarm(): Promise<number | null> {
    return this.#storage.getAlarm();
  }

  setAlarm(at: number): Promise<void> {
    return this.#storage.setAlarm(at);
  }

  async wipe(): Promise<void> {
    // Before compatibility date 2026-02-24, deleteAll keeps the alarm, which would wake an empty object forever.
    const wiped = Promise.all([this.#storage.deleteAlarm(), this.#storage.deleteAll()]);
    // Forget in the same turn as the deletion: the next write must create its table again.
    for (const table of this.#tables) table.forget();
    await wiped;
  }
}
