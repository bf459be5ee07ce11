type Cursor = Pick<SqlStorageCursor<Record<string, SqlStorageValue>>, "rowsRead" | "rowsWritten">;
type Call = (...args: unknown[]) => unknown;

/** Counts the rows that objects read and write, by SQL and by key. Setting an alarm writes one row. */
export class RowCounter {
  #cursors: Cursor[] = [];
  #written = 0;
  #read = 0;

  get written(): number {
    return this.#cursors.reduce((sum, { rowsWritten }) => sum + rowsWritten, this.#written);
  }

  get read(): number {
    return this.#cursors.reduce((sum, { rowsRead }) => sum + rowsRead, this.#read);
  }

  reset(): void {
    this.#cursors = [];
    this.#written = 0;
    this.#read = 0;
  }

  watch(storage: DurableObjectStorage): void {
    after(storage.sql, "exec", (cursor) => this.#cursors.push(cursor as Cursor));
    after(storage, "put", () => (this.#written += 1));
    after(storage, "setAlarm", () => (this.#written += 1));
    after(storage, "get", (_result, [keys]) => (this.#read += Array.isArray(keys) ? keys.length : 1));
  }
}

/** Replaces a method by one that also reports each call. */
function after<T extends object>(
  target: T,
  method: string & keyof T,
  report: (result: unknown, args: unknown[]) => unknown,
): void {
  const original = target[method] as Call;
  const value = (...args: unknown[]): unknown => {
    const result = Reflect.apply(original, target, args);
    report(result, args);
    return result;
  };
  Object.defineProperty(target, method, { value });
}
