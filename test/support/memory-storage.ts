import type { Row, StoredValue, ObjectStorage, TableShape } from "../../src/object/storage/object-storage.ts";

/** The storage of an object, in memory. It outlives the hosts that run on it. */
export class MemoryStorage implements ObjectStorage {
  readonly #tables = new Map<string, Map<StoredValue | undefined, Row>>();
  readonly #values = new Map<string, unknown>();
  #alarm: number | null = null;

  readonly values = {
    get: (key: string): unknown => structuredClone(this.#values.get(key)),
    put: (key: string, value: unknown) => void this.#values.set(key, structuredClone(value)),
    delete: (key: string) => void this.#values.delete(key),
  };

  get isEmpty(): boolean {
    return this.#tables.size === 0 && this.#values.size === 0 && this.#alarm === null;
  }

  table({ name, columns }: TableShape) {
    const tables = this.#tables;
    const [key = ""] = Object.keys(columns);
    return {
      get exists() {
        return tables.has(name);
      },
      rows: () => [...(tables.get(name)?.values() ?? [])].map((row) => ({ ...row })),
      put: (row: Row) => void tables.set(name, (tables.get(name) ?? new Map()).set(row[key], { ...row })),
    };
  }

  async getAlarm(): Promise<number | null> {
    return this.#alarm;
  }

  async setAlarm(at: number): Promise<void> {
    this.#alarm = at;
  }

  async wipe(): Promise<void> {
    this.#tables.clear();
    this.#values.clear();
    this.#alarm = null;
  }
}
