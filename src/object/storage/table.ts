import type { Columns, Row, Rows, TableShape } from "./object-storage.ts";

/**
 * A table that an older or newer version of this library may have written. It is created with its first row.
 *
 * Reading changes nothing. Before the first write, a table that lacks columns gets them, and a table that this library
 * can't have written is set aside. Columns that a newer version added stay.
 */
export class Table implements Rows {
  readonly #sql: SqlStorage;
  readonly #shape: TableShape;
  readonly #columns: Columns;
  readonly #put: string;
  #found: string[];
  #isOurs: boolean;

  constructor(sql: SqlStorage, shape: TableShape) {
    this.#sql = sql;
    this.#shape = shape;
    this.#columns = { ...shape.columns, ...shape.added };
    this.#put = putInto(shape.name, Object.keys(this.#columns));
    const found = sql.exec<{ name: string; pk: number }>(`PRAGMA table_info(${shape.name})`).toArray();
    this.#found = found.map(({ name }) => name);
    const keys = found.filter(({ pk }) => pk > 0).map(({ name }) => name);
    const [key] = Object.keys(shape.columns);
    this.#isOurs = keys.join() === key && Object.keys(shape.columns).every((column) => this.#found.includes(column));
  }

  /** Whether the table exists: a row was written since the last wipe. */
  get exists(): boolean {
    return this.#found.length > 0;
  }

  /** All rows; none if this library can't have written the table. */
  rows(): Row[] {
    return this.#isOurs ? this.#sql.exec(`SELECT * FROM ${this.#shape.name}`).toArray() : [];
  }

  /** Writes a row; replaces one with the same key. */
  put(row: Row): void {
    this.#prepare();
    const { name, about } = this.#shape;
    const names = Object.keys(this.#columns);
    const [key] = names as [string];
    // Columns of a newer version keep their values while the row is for the same item. If the row is reused for another
    // item, it is deleted first, so that the other item does not inherit those values.
    if (about && this.#found.length > names.length)
      this.#sql.exec(`DELETE FROM ${name} WHERE ${key} = ? AND ${about} <> ?`, row[key], row[about]);
    this.#sql.exec(this.#put, ...names.map((column) => row[column]));
  }

  /** Call it when all storage is deleted. */
  forget(): void {
    this.#found = [];
    this.#isOurs = false;
  }

  #prepare(): void {
    if (!this.#isOurs) this.#create();
    const missing = Object.keys(this.#columns).filter((column) => !this.#found.includes(column));
    for (const column of missing)
      this.#sql.exec(`ALTER TABLE ${this.#shape.name} ADD COLUMN ${column} ${this.#columns[column]}`);
    this.#found.push(...missing);
  }

  #create(): void {
    if (this.exists) this.#setAside();
    const columns = Object.entries(this.#columns).map(([column, type]) => `${column} ${type}`);
    // WITHOUT ROWID: replacing a row of such a table counts as one row written and none read. In an ordinary table with
    // an integer key, it counts as one row written and one read (workerd of 2026-08).
    this.#sql.exec(`CREATE TABLE ${this.#shape.name} (${columns.join(", ")}) WITHOUT ROWID`);
    this.#found = Object.keys(this.#columns);
    this.#isOurs = true;
  }

  /** Keeps the unknown table under another name, so that people can look at it. */
  #setAside(): void {
    const { name } = this.#shape;
    console.error(`durable-locks: the table "${name}" has unknown columns or keys; it is kept as "${name}_set_aside".`);
    this.#sql.exec(`DROP TABLE IF EXISTS ${name}_set_aside`);
    this.#sql.exec(`ALTER TABLE ${name} RENAME TO ${name}_set_aside`);
  }
}

/** An upsert and not `INSERT OR REPLACE`, which would reset the columns that a newer version added. */
function putInto(name: string, columns: string[]): string {
  const [key, ...others] = columns;
  const values = columns.map(() => "?").join(", ");
  const update = others.map((column) => `${column} = excluded.${column}`).join(", ");
  return `INSERT INTO ${name} (${columns.join(", ")}) VALUES (${values}) ON CONFLICT (${key}) DO UPDATE SET ${update}`;
}
