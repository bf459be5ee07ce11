import { runInDurableObject } from "cloudflare:test";
import { vi } from "vitest";
import { stubOf } from "./locks.ts";

/** The rows written and read, and how often the alarm was set. */
export interface Cost {
  written: number;
  read: number;
  alarms: number;
}

/** Counts what `work` costs, with the object's own SQL cursors. Setting the alarm writes one more row. */
export async function costOf(id: string, work: () => Promise<unknown>): Promise<Cost> {
  const cursors: SqlStorageCursor<Record<string, SqlStorageValue>>[] = [];
  let alarms = 0;
  const spies = await runInDurableObject(stubOf(id), (_lock, { storage }) => {
    const exec = storage.sql.exec.bind(storage.sql);
    const setAlarm = storage.setAlarm.bind(storage);
    return [
      vi.spyOn(storage.sql, "exec").mockImplementation(((query: string, ...values: unknown[]) => {
        const cursor = exec(query, ...values);
        cursors.push(cursor);
        return cursor;
      }) as typeof exec),
      vi.spyOn(storage, "setAlarm").mockImplementation((...args) => {
        alarms += 1;
        return setAlarm(...args);
      }),
    ];
  });
  try {
    await work();
    return await runInDurableObject(stubOf(id), () => ({
      written: cursors.reduce((sum, cursor) => sum + cursor.rowsWritten, 0),
      read: cursors.reduce((sum, cursor) => sum + cursor.rowsRead, 0),
      alarms,
    }));
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
