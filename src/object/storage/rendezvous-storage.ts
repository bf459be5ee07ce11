import { isLeaseNumber } from "../../core/leases/lease.ts";
import { LIMITS } from "../../core/limits.ts";
import { type Generation, ARRIVALS_REMEMBERED, GENERATIONS_REMEMBERED } from "../../core/rendezvous/barrier-state.ts";
import type { CountDown } from "../../core/rendezvous/latch-state.ts";
import type { BarrierBreak } from "../../core/rendezvous/rendezvous-replies.ts";
import type { ObjectStorage, Row, Rows, TableShape } from "./object-storage.ts";

const COUNT_DOWNS: TableShape = {
  name: "count_downs",
  columns: { request: "TEXT PRIMARY KEY", count: "INTEGER NOT NULL", by: "INTEGER NOT NULL", at: "REAL NOT NULL" },
};

const GENERATIONS: TableShape = {
  name: "meetings",
  columns: {
    slot: "INTEGER PRIMARY KEY",
    generation: "INTEGER NOT NULL",
    why: "TEXT",
    members: "TEXT NOT NULL",
    at: "REAL NOT NULL",
  },
  about: "generation",
};

/**
 * One row for each count-down of a latch, and one for each of the last generations of a barrier.
 *
 * No table exists before its first row.
 */
export class RendezvousStorage {
  readonly #countDowns: Rows;
  readonly #generations: Rows;
  #slot = 0;

  constructor(storage: ObjectStorage) {
    this.#countDowns = storage.table(COUNT_DOWNS);
    this.#generations = storage.table(GENERATIONS);
  }

  /** Whether anything is stored, or was stored since the last wipe. */
  get exists(): boolean {
    return this.#countDowns.exists || this.#generations.exists;
  }

  /** The stored count-downs. A damaged row is skipped; its caller has to count down again. */
  countDowns(): CountDown[] {
    const rows = [...this.#countDowns.rows()];
    const countDowns = rows.map(({ request, count, by }) => ({ requestId: request, count, by }));
    return countDowns.filter(isCountDown);
  }

  /** The stored generations. Of a damaged row only the number is kept, so that the number is not reused. */
  generations(): Generation[] {
    const rows = [...this.#generations.rows()].filter(({ generation }) => isLeaseNumber(generation));
    rows.sort((one, other) => Number(one["generation"]) - Number(other["generation"]));
    const latest = rows.at(-1)?.["slot"];
    this.#slot = Number.isSafeInteger(latest) ? Math.abs(Number(latest)) + 1 : 0;
    return rows.map(generationOf);
  }

  /** When anything was last written. */
  lastUse(): number {
    const times = [...this.#countDowns.rows(), ...this.#generations.rows()].map(({ at }) => at);
    return Math.max(...times.filter((at) => typeof at === "number"));
  }

  writeCountDown({ requestId, count, by }: CountDown, now: number): void {
    this.#countDowns.put({ request: requestId, count, by, at: now });
  }

  writeGeneration({ generation, why, members }: Generation, now: number): void {
    // Small generations have more slots, because their rows have few members. The total number of members stays
    // bounded.
    const slot = this.#slot % Math.max(GENERATIONS_REMEMBERED, Math.ceil(ARRIVALS_REMEMBERED / members.length));
    const row = { slot, generation, why: why ?? null, members: JSON.stringify(members), at: now };
    this.#generations.put(row);
    this.#slot = slot + 1;
  }

  /** Call it when all storage is wiped. */
  forget(): void {
    this.#slot = 0;
  }
}

function isCountDown(value: { [field in keyof CountDown]: unknown }): value is CountDown {
  const { requestId, count, by } = value;
  return typeof requestId === "string" && isCount(count, LIMITS.maxCount) && isCount(by, count);
}

function isCount(value: unknown, most: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= most;
}

function generationOf({ generation, why, members }: Row): Generation {
  return { generation: generation as number, why: breakOf(why), members: membersOf(members) };
}

const BREAKS = ["died", "timeout", "aborted"] satisfies BarrierBreak[];

/** A newer version may have written a reason that is unknown here. The generation is still broken. */
function breakOf(why: unknown): BarrierBreak | undefined {
  if (why === null || why === undefined) return undefined;
  return BREAKS.find((known) => known === why) ?? "died";
}

function membersOf(stored: unknown): string[] {
  try {
    const members: unknown = JSON.parse(String(stored));
    return Array.isArray(members) && members.every((member) => typeof member === "string") ? members : [];
  } catch {
    return [];
  }
}
