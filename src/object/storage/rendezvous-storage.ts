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

const MEETINGS: TableShape = {
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

/** A row for each count-down of a latch, and one for each of the last meetings at a barrier. Nothing before the first. */
export class RendezvousStorage {
  readonly #countDowns: Rows;
  readonly #meetings: Rows;
  #slot = 0;

  constructor(storage: ObjectStorage) {
    this.#countDowns = storage.table(COUNT_DOWNS);
    this.#meetings = storage.table(MEETINGS);
  }

  /** Whether anything was ever stored and not wiped since. */
  get exists(): boolean {
    return this.#countDowns.exists || this.#meetings.exists;
  }

  /** Those that can be understood: one that is damaged has to be made again. */
  countDowns(): CountDown[] {
    const countDowns = this.#countDowns.rows().map(({ request, count, by }) => ({ requestId: request, count, by }));
    return countDowns.filter(isCountDown);
  }

  /** A damaged meeting is remembered by its number alone, so that it is not given out again. */
  meetings(): Generation[] {
    const rows = this.#meetings.rows().filter(({ generation }) => isLeaseNumber(generation));
    rows.sort((one, other) => Number(one["generation"]) - Number(other["generation"]));
    const latest = rows.at(-1)?.["slot"];
    this.#slot = Number.isSafeInteger(latest) ? Math.abs(Number(latest)) + 1 : 0;
    return rows.map(meetingOf);
  }

  /** When anything was last written. */
  lastUse(): number {
    const times = [...this.#countDowns.rows(), ...this.#meetings.rows()].map(({ at }) => at);
    return Math.max(...times.filter((at) => typeof at === "number"));
  }

  writeCountDown({ requestId, count, by }: CountDown, now: number): void {
    this.#countDowns.put({ request: requestId, count, by, at: now });
  }

  writeMeeting({ generation, why, members }: Generation, now: number): void {
    // Small meetings have more slots, because their rows have few members. The sum of all members stays bounded.
    const slot = this.#slot % Math.max(GENERATIONS_REMEMBERED, Math.ceil(ARRIVALS_REMEMBERED / members.length));
    const row = { slot, generation, why: why ?? null, members: JSON.stringify(members), at: now };
    this.#meetings.put(row);
    this.#slot = slot + 1;
  }

  /** To be called when all storage is wiped. */
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

function meetingOf({ generation, why, members }: Row): Generation {
  return { generation: generation as number, why: breakOf(why), members: membersOf(members) };
}

const BREAKS = ["died", "timeout", "aborted"] satisfies BarrierBreak[];

/** A reason that this version does not know is still a reason: a newer version may have written it. */
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
