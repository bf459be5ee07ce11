import { type DurableLock, fenceD1, fenceR2, useDurableLock } from "durable-locks";

/** Where the books are kept. */
export interface Books {
  DURABLE_LOCK: DurableObjectNamespace<DurableLock>;
  DB: D1Database;
  BUCKET: R2Bucket;
}

/** Closes a month. A caller that lost the lock meanwhile can no longer write the row or the report. */
export async function closeMonth(env: Books, month: string): Promise<void> {
  await useDurableLock(env.DURABLE_LOCK, month).withLock(async ({ lease }) => {
    const total = await env.DB.prepare("SELECT sum(amount) AS total FROM entries WHERE month = ?")
      .bind(month)
      .first<number>("total");
    await fenceD1(env.DB, month, lease, [
      env.DB.prepare("INSERT OR REPLACE INTO closed VALUES (?, ?)").bind(month, total ?? 0),
    ]);
    await fenceR2(env.BUCKET, `${month}.json`, lease, JSON.stringify({ month, total }));
  });
}
