import { isLeaseNumber } from "../../core/leases/lease.ts";
import { LIMITS } from "../../core/limits.ts";
import type { RecordedResult } from "../../core/replies.ts";
import { cloneSize } from "../../core/results/clone-size.ts";
import type { JobRecordInfo } from "../../core/results/job-record.ts";
import { type ResultRefusal, refusalOfResult } from "../../core/results/result-refusal.ts";
import type { KeyedValues } from "./object-storage.ts";

const KEY = "result";

interface Stored extends JobRecordInfo {
  /** "" if payloads are not compared. */
  fingerprint: string;
  value: unknown;
}

/** The stored result of a once-only job: one value, which becomes durable together with the leases of the same turn. */
export class ResultStorage {
  readonly #values: KeyedValues;
  /** The size of the stored value in bytes; undefined until the value is first read. */
  #size: number | undefined;

  constructor(values: KeyedValues) {
    this.#values = values;
  }

  /** The job record without the value, which may be large and is read only when a caller needs it. */
  load(): JobRecordInfo | undefined {
    const stored = this.#stored();
    if (stored === undefined) return undefined;
    if (isResult(stored)) {
      const { lease, fingerprint, failed, retain, keptUntil } = stored;
      return { lease, fingerprint: fingerprint === "" ? undefined : fingerprint, failed, retain, keptUntil };
    }
    console.error("durable-locks: the stored result of a job has an unknown format; the job will run again.");
    return undefined;
  }

  /** The result, and its size in bytes. */
  read(): { result: RecordedResult; size: number } {
    const { value, failed, lease } = this.#values.get(KEY) as Stored;
    return { result: { value, failed, lease }, size: (this.#size ??= cloneSize(value, LIMITS.maxResultBytes)) };
  }

  /** Stores a result in place of an earlier one. If it can't be stored, returns why and changes nothing. */
  write(info: JobRecordInfo, value: unknown): ResultRefusal["reason"] | undefined {
    try {
      const refusal = refusalOfResult(value);
      if (refusal) return refusal.reason;
      this.#values.put(KEY, { ...info, fingerprint: info.fingerprint ?? "", value } satisfies Stored);
      this.#size = undefined;
      return undefined;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      // A RangeError means that the value is nested so deeply that the stack overflowed.
      if (error.name === "DataCloneError" || error instanceof RangeError) return "RESULT_NOT_CLONEABLE";
      if (error.message.includes("SQLITE_TOOBIG")) return "RESULT_TOO_LARGE";
      throw error;
    }
  }

  delete(): void {
    this.#size = undefined;
    this.#values.delete(KEY);
  }

  /** An unreadable value counts as none, so the job runs again: it must not take the lock down. */
  #stored(): unknown {
    try {
      return this.#values.get(KEY);
    } catch (error) {
      console.error("durable-locks: the result of a job can't be read; the job will run again.", error);
      return undefined;
    }
  }
}

function isResult(stored: unknown): stored is Stored {
  if (typeof stored !== "object" || stored === null) return false;
  const { lease, fingerprint, failed, retain, keptUntil } = stored as Record<string, unknown>;
  const isKept = isWhole(retain) && retain <= LIMITS.maxRetain && isWhole(keptUntil);
  return isLeaseNumber(lease) && typeof fingerprint === "string" && typeof failed === "boolean" && isKept;
}

function isWhole(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 1;
}
