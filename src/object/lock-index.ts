import { sqlOf } from "../core/no-sqlite.ts";
import { DurableObject } from "./platform.ts";

const DAY = 86_400_000;

/** How long an unused id stays listed. */
const LISTED_FOR = 30 * DAY;

/**
 * A list of recently used ids, for people who look for a lock: Durable Objects themselves can't be enumerated.
 *
 * It is optional. To use it, bind it and pass the binding to the service. An id is written when it is first used, and
 * at most once a day after that. It is removed after 30 days without use.
 *
 * @example
 * ```ts
 * export { DurableLock } from "durable-locks";
 * export { LockIndex } from "durable-locks/service";
 * ```
 */
export class LockIndex extends DurableObject {
  #isThere = false;

  /** Records that an id is used. */
  async add(id: string): Promise<void> {
    const now = Date.now();
    this.#create();
    const { rowsWritten } = sqlOf(this.ctx.storage).exec(
      "INSERT INTO ids (id, seen) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET seen = ?2 WHERE seen < ?3",
      id,
      now,
      now - DAY,
    );
    if (rowsWritten > 0 && (await this.ctx.storage.getAlarm()) === null) await this.ctx.storage.setAlarm(now + DAY);
  }

  /** The first `limit` ids that begin with `prefix` and come after `after`, in byte order. */
  async list(prefix: string, after: string, limit: number): Promise<string[]> {
    this.#create();
    const rows = sqlOf(this.ctx.storage).exec<{ id: string }>(
      // Every id that begins with the prefix sorts before the prefix followed by the last Unicode character.
      "SELECT id FROM ids WHERE id >= ?1 AND id < ?1 || char(1114111) AND id > ?2 ORDER BY id LIMIT ?3",
      prefix,
      after,
      limit,
    );
    return [...rows].map(({ id }) => id);
  }

  /** Called by the runtime. Removes ids that are no longer used. */
  override async alarm(): Promise<void> {
    this.#create();
    const now = Date.now();
    sqlOf(this.ctx.storage).exec("DELETE FROM ids WHERE seen < ?", now - LISTED_FOR);
    const [left] = sqlOf(this.ctx.storage).exec("SELECT 1 FROM ids LIMIT 1");
    if (left) await this.ctx.storage.setAlarm(now + DAY);
  }

  #create(): void {
    if (this.#isThere) return;
    sqlOf(this.ctx.storage).exec("CREATE TABLE IF NOT EXISTS ids (id TEXT PRIMARY KEY, seen INTEGER) WITHOUT ROWID");
    this.#isThere = true;
  }
}
