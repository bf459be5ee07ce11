/** What a column can hold. */
export type StoredValue = string | number | ArrayBuffer | null;

/** A row as it is stored. An older or newer version may have written it, or it may be damaged. */
export type Row = Record<string, StoredValue>;

/** The columns of a table, each with its SQL type. */
export type Columns = Record<string, string>;

/** The name and the columns of a table. */
export interface TableShape {
  name: string;
  /** The columns of the first version that had the table. The first column is the primary key. */
  columns: Columns;
  /**
   * The columns that later versions added.
   *
   * Rows of earlier versions lack them, so each is nullable or has a default.
   */
  added?: Columns;
  /** The column whose value changes when a row is reused for a different item. */
  about?: string;
}

/** The rows of one table. The table is created when the first row is written. */
export interface Rows {
  /** Whether the table exists: a row was written since the last wipe. */
  readonly exists: boolean;
  /** All rows; none if this library can't have written the table. */
  rows(): Iterable<Row>;
  /** Writes a row; replaces one with the same key. The row must not be changed afterwards. */
  put(row: Row): void;
}

/** Values of any cloneable kind, each under a key. */
export interface KeyedValues {
  /** A copy of the value; undefined if there is none. */
  get(key: string): unknown;
  /** Stores a copy. Throws a `DataCloneError`, and changes nothing, if the value can't be cloned. */
  put(key: string, value: unknown): void;
  delete(key: string): void;
}

/**
 * What outlives an instance of an object: rows, values, and an alarm. It is implemented with SQLite, or in memory.
 *
 * Rows and values are read and written synchronously. Everything written in one turn must become durable together or
 * not at all, and before a reply of that turn reaches its caller.
 */
export interface ObjectStorage {
  readonly values: KeyedValues;
  /** The rows of a table. This call stores nothing. */
  table(shape: TableShape): Rows;
  /** When the alarm fires; null if none is set. */
  getAlarm(): Promise<number | null>;
  setAlarm(at: number): Promise<void>;
  /** Deletes everything, including the alarm. The next write, even in the same turn, is like the first ever. */
  wipe(): Promise<void>;
}
