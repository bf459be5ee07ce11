/** What a column can hold. */
export type StoredValue = string | number | ArrayBuffer | null;

/** A row as it is stored: whatever an older, a newer or a damaged version may have left. */
export type Row = Record<string, StoredValue>;

/** The columns of a table, each with its SQL type. */
export type Columns = Record<string, string>;

/** What a table is made of. */
export interface TableShape {
  name: string;
  /** The columns of the first version that had the table; the first of them is the primary key. */
  columns: Columns;
  /** The columns that later versions added. Rows of earlier versions lack them, so each is nullable or has a default. */
  added?: Columns;
  /** The column that tells when a row is used for something else than before. */
  about?: string;
}

/** The rows of one table. Nothing is created before the first is written. */
export interface Rows {
  /** Whether anything was ever stored and not wiped since. */
  readonly exists: boolean;
  /** Everything stored that may be ours. */
  rows(): Row[];
  /** Writes a row, in place of one with the same key. */
  put(row: Row): void;
}

/** Values of any kind that can be cloned, each under a key. */
export interface KeyedValues {
  /** A copy of the value; undefined if there is none. */
  get(key: string): unknown;
  /** Stores a copy. Throws a `DataCloneError` if the value can't be cloned; then nothing is changed. */
  put(key: string, value: unknown): void;
  delete(key: string): void;
}

/**
 * What an object keeps beyond its instance: rows, values, and an alarm. SQLite implements it, and memory can.
 *
 * Rows and values are read and written at once. What is written in one turn must become durable together or not at all,
 * and before anything that the object answers in that turn reaches its caller.
 */
export interface ObjectStorage {
  readonly values: KeyedValues;
  /** The rows of a table. Asking for them stores nothing. */
  table(shape: TableShape): Rows;
  /** When the alarm fires; null if none is set. */
  getAlarm(): Promise<number | null>;
  setAlarm(at: number): Promise<void>;
  /** Deletes everything, the alarm included. From this turn on, what is written counts as the first. */
  wipe(): Promise<void>;
}
