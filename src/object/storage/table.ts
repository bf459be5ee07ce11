import type { Columns, Row, Rows, StoredValue, TableShape } from "./object-storage.ts";

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
  readonly #names: string[];
  readonly #key: string;
  readonly #insert: string;
  /** The statements that change some columns, by the names of these. Few sets of columns ever change together. */
  readonly #changes = new Map<string, string>();
  /** The rows as they were last written, by key. Rows that are never reused are not here: each is written once. */
  readonly #written = new Map<StoredValue, Row>();
  #found: string[];
  #isOurs: boolean;

  constructor(sql: SqlStorage, shape: TableShape) {
    this.#sql = sql;
    this.#shape = shape;
    this.#columns = { ...shape.columns, ...shape.added };
    this.#names = Object.keys(this.#columns);
    this.#key = this.#names[0] as string;
    this.#insert = insertInto(shape.name, this.#names);
    const found = sql.exec<{ name: string; pk: number }>(`PRAGMA table_info(${shape.name})`).toArray();
    this.#found = found.map(({ name }) => name);
    const keys = found.filter(({ pk }) => pk > 0).map(({ name }) => name);
    this.#isOurs =
      keys.join() === this.#key && Object.keys(shape.columns).every((column) => this.#found.includes(column));
  }

  /** Whether the table exists: a row was written since the last wipe. */
  get exists(): boolean {
    return this.#found.length > 0;
  }

  /** All rows, read one by one; none if this library can't have written the table. */
  rows(): Iterable<Row> {
    return this.#isOurs ? this.#sql.exec(`SELECT * FROM ${this.#shape.name}`) : [];
  }

  /** Writes a row; replaces one with the same key. Of a row that it wrote before, it writes only what has changed. */
  put(row: Row): void {
    this.#prepare();
    const key = row[this.#key] as StoredValue;
    const before = this.#written.get(key);
    if (this.#shape.about) this.#written.set(key, row);
    const changed = before ? this.#names.filter((name) => row[name] !== before[name]) : [];
    // A row that has not changed is written too: only a write shows a replaced instance that it was replaced.
    if (changed.length === 0 || this.#hasOthersColumns) this.#upsert(row);
    else this.#sql.exec(this.#changeIn(changed), key, ...changed.map((name) => row[name]));
  }

  /** Call it when all storage is deleted. */
  forget(): void {
    this.#found = [];
    this.#isOurs = false;
    this.#written.clear();
  }

  /** Whether a newer version of this library has added columns. */
  get #hasOthersColumns(): boolean {
    return this.#found.length > this.#names.length;
  }

  #upsert(row: Row): void {
    const { name, about } = this.#shape;
    // Columns of a newer version keep their values while the row is for the same item. If the row is reused for another
    // item, it is deleted first, so that the other item does not inherit those values.
    if (about && this.#hasOthersColumns)
      this.#sql.exec(`DELETE FROM ${name} WHERE ${this.#key} = ? AND ${about} <> ?`, row[this.#key], row[about]);
    this.#sql.exec(this.#insert, ...this.#names.map((column) => row[column]));
  }

  #changeIn(changed: string[]): string {
    const columns = changed.join();
    const known = this.#changes.get(columns);
    if (known !== undefined) return known;
    const statement = changeIn(this.#shape, changed);
    this.#changes.set(columns, statement);
    return statement;
  }

  #prepare(): void {
    if (!this.#isOurs) this.#create();
    const missing = this.#names.filter((column) => !this.#found.includes(column));
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
    this.#found = [...this.#names];
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
function insertInto(name: string, columns: string[]): string {
  const [key, ...others] = columns;
  const values = columns.map(() => "?").join(", ");
  const update = others.map((column) => `${column} = excluded.${column}`).join(", ");
  return `INSERT INTO ${name} (${columns.join(", ")}) VALUES (${values}) ON CONFLICT (${key}) DO UPDATE SET ${update}`;
}

/**
 * Changes columns of a row that exists. An upsert and not an `UPDATE`, which would count as one row read besides the one
 * written. Since the row exists, the zeros for its other columns are never stored.
 */
function changeIn({ name, columns }: TableShape, changed: string[]): string {
  const names = Object.keys(columns);
  const values = names.map((_, index) => (index === 0 ? "?" : "0")).join(", ");
  const update = changed.map((column) => `${column} = ?`).join(", ");
  return `INSERT INTO ${name} (${names.join(", ")}) VALUES (${values}) ON CONFLICT (${names[0]}) DO UPDATE SET ${update}`;
}
