import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { deserialize, serialize } from "node:v8";

/** One change to what an object stores. */
export type Change =
  | { do: "sql"; query: string; values: SQLInputValue[] }
  | { do: "put"; key: string; value: Uint8Array }
  | { do: "delete"; key: string }
  | { do: "alarm"; at: number | null }
  | { do: "deleteAll" };

/** Databases are dear to open; each is used by one copy at a time. */
const unused: Store[] = [];

/** What one object stores, or one instance's copy of it: SQLite, key-value pairs, and the alarm. */
export class Store {
  readonly #db = new DatabaseSync(":memory:");
  readonly #statements = new Map<string, StatementSync>();
  readonly #pairs = new Map<string, Uint8Array>();
  #alarm: number | null = null;

  static open(): Store {
    return unused.pop() ?? new Store();
  }

  /** Call this when it is no longer used. */
  close(): void {
    this.apply({ do: "deleteAll" });
    this.#alarm = null;
    unused.push(this);
  }

  /** A copy of another. */
  static copyOf(other: Store): Store {
    const store = Store.open();
    for (const { name, sql } of other.#tables()) {
      store.#db.exec(sql);
      for (const row of other.all(`SELECT * FROM ${name}`)) {
        const marks = Object.keys(row).map(() => "?");
        store.run(`INSERT INTO ${name} VALUES (${marks.join(", ")})`, Object.values(row) as SQLInputValue[]);
      }
    }
    for (const [key, value] of other.#pairs) store.#pairs.set(key, value);
    store.#alarm = other.#alarm;
    return store;
  }

  get alarm(): number | null {
    return this.#alarm;
  }

  get isEmpty(): boolean {
    return this.#tables().length === 0 && this.#pairs.size === 0;
  }

  get(key: string): unknown {
    const value = this.#pairs.get(key);
    return value && deserialize(value);
  }

  all(query: string, values: SQLInputValue[] = []): Record<string, unknown>[] {
    return this.#prepare(query).all(...values);
  }

  run(query: string, values: SQLInputValue[]): void {
    if (query.startsWith("CREATE")) this.#db.exec(query);
    else this.#prepare(query).run(...values);
  }

  apply(change: Change): void {
    if (change.do === "sql") this.run(change.query, change.values);
    else if (change.do === "put") this.#pairs.set(change.key, change.value);
    else if (change.do === "delete") this.#pairs.delete(change.key);
    else if (change.do === "alarm") this.#alarm = change.at;
    else this.#deleteAll();
  }

  #deleteAll(): void {
    this.#statements.clear();
    for (const { name } of this.#tables()) this.#db.exec(`DROP TABLE ${name}`);
    this.#pairs.clear();
  }

  #tables(): { name: string; sql: string }[] {
    return this.all("SELECT name, sql FROM sqlite_master WHERE type = 'table'") as { name: string; sql: string }[];
  }

  #prepare(query: string): StatementSync {
    const known = this.#statements.get(query);
    if (known) return known;
    const statement = this.#db.prepare(query);
    this.#statements.set(query, statement);
    return statement;
  }
}

/** Node gives blobs as byte arrays, and workerd gives them as buffers. */
function asInWorkerd(row: Record<string, unknown>): Record<string, unknown> {
  const fields = Object.entries(row);
  return Object.fromEntries(
    fields.map(([name, value]) => [name, value instanceof Uint8Array ? value.slice().buffer : value]),
  );
}

function cursorOf(rows: Record<string, unknown>[]) {
  return { toArray: () => rows, [Symbol.iterator]: () => rows[Symbol.iterator]() };
}

/** The storage API that an instance sees: it reads its own copy and reports each change to `changed`. */
export function storageApi(store: Store, changed: (change: Change) => void, pause: () => Promise<void>) {
  const change = (what: Change) => {
    changed(what);
    store.apply(what);
  };
  return {
    sql: {
      exec: (query: string, ...values: (SQLInputValue | ArrayBuffer)[]) => {
        const bound = values.map((value) => (value instanceof ArrayBuffer ? new Uint8Array(value) : value));
        if (/^\s*(SELECT|PRAGMA)/i.test(query)) return cursorOf(store.all(query, bound).map(asInWorkerd));
        change({ do: "sql", query, values: bound });
        return cursorOf([]);
      },
    },
    kv: {
      get: (key: string) => store.get(key),
      put: (key: string, value: unknown) => change({ do: "put", key, value: serialize(value) }),
      delete: (key: string) => change({ do: "delete", key }),
    },
    getAlarm: async () => {
      await pause();
      return store.alarm;
    },
    setAlarm: async (at: number) => change({ do: "alarm", at }),
    deleteAlarm: async () => change({ do: "alarm", at: null }),
    deleteAll: async () => change({ do: "deleteAll" }),
  };
}
