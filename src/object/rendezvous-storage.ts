import { MEETINGS_REMEMBERED, type Meeting } from "../core/barrier-state.ts";
import type { CountDown } from "../core/latch-state.ts";
import type { BarrierBreak } from "../core/rendezvous.ts";

const CREATE = `
CREATE TABLE IF NOT EXISTS count_downs (
  request TEXT PRIMARY KEY, count INTEGER NOT NULL, by INTEGER NOT NULL, at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS meetings (
  slot INTEGER PRIMARY KEY, generation INTEGER NOT NULL, why TEXT, members TEXT NOT NULL, at REAL NOT NULL
) WITHOUT ROWID`;

interface MeetingRow extends Record<string, SqlStorageValue> {
  slot: number;
  generation: number;
  why: BarrierBreak | null;
  members: string;
}

/** A row for each count-down of a latch, and one for each of the last meetings at a barrier. Nothing before the first. */
export class RendezvousStorage {
  readonly #sql: SqlStorage;
  #exists: boolean;
  #slot = 0;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.#exists = sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'meetings'").toArray().length > 0;
  }

  /** Whether anything was ever stored and not wiped since. */
  get exists(): boolean {
    return this.#exists;
  }

  countDowns(): CountDown[] {
    if (!this.#exists) return [];
    const rows = this.#sql.exec<{ request: string; count: number; by: number }>("SELECT * FROM count_downs").toArray();
    return rows.map(({ request, count, by }) => ({ requestId: request, count, by }));
  }

  meetings(): Meeting[] {
    if (!this.#exists) return [];
    const rows = this.#sql.exec<MeetingRow>("SELECT * FROM meetings ORDER BY generation").toArray();
    this.#slot = ((rows.at(-1)?.slot ?? -1) + 1) % MEETINGS_REMEMBERED;
    return rows.map(({ generation, why, members }) => ({
      generation,
      why: why ?? undefined,
      members: JSON.parse(members) as string[],
    }));
  }

  /** When anything was last written. */
  lastUse(): number {
    if (!this.#exists) return Number.NEGATIVE_INFINITY;
    const newest = "SELECT max(at) AS at FROM (SELECT at FROM count_downs UNION ALL SELECT at FROM meetings)";
    return this.#sql.exec<{ at: number | null }>(newest).one().at ?? Number.NEGATIVE_INFINITY;
  }

  writeCountDown({ requestId, count, by }: CountDown, now: number): void {
    this.#create();
    this.#sql.exec("INSERT OR REPLACE INTO count_downs VALUES (?, ?, ?, ?)", requestId, count, by, now);
  }

  writeMeeting({ generation, why, members }: Meeting, now: number): void {
    this.#create();
    const values = [this.#slot, generation, why ?? null, JSON.stringify(members), now];
    this.#sql.exec("INSERT OR REPLACE INTO meetings VALUES (?, ?, ?, ?, ?)", ...values);
    this.#slot = (this.#slot + 1) % MEETINGS_REMEMBERED;
  }

  /** To be called when all storage is deleted. */
  forget(): void {
    this.#exists = false;
    this.#slot = 0;
  }

  #create(): void {
    if (!this.#exists) this.#sql.exec(CREATE);
    this.#exists = true;
  }
}
