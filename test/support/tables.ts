import { runInDurableObject } from "cloudflare:test";
import { crash, stubOf } from "./locks.ts";

/** Gives the object a database as another version, or damage, would leave it. The next instance starts from it. */
export async function startFrom(id: string, write: (storage: DurableObjectStorage) => void): Promise<void> {
  await runInDurableObject(stubOf(id), (_lock, { storage }) => write(storage));
  await crash(id);
}

/** A table as it is stored, read directly and not through the object's methods. */
export async function rowsOf(id: string, table = "leases"): Promise<Record<string, SqlStorageValue>[]> {
  return runInDurableObject(stubOf(id), (_lock, { storage }) =>
    storage.sql.exec(`SELECT * FROM ${table} ORDER BY 1`).toArray(),
  );
}

export async function columnsOf(id: string, table = "leases"): Promise<string[]> {
  return runInDurableObject(
    stubOf(id),
    (_lock, { storage }) => storage.sql.exec(`SELECT * FROM ${table} LIMIT 0`).columnNames,
  );
}
