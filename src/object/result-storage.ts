import type { KeptResult, OnceReason } from "../core/replies.ts";
import type { ResultInfo } from "../core/result.ts";

const KEY = "result";

interface Stored extends ResultInfo {
  value: unknown;
}

/**
 * The result of a job that runs once: one row of the object's key-value storage, which is in the same database as the
 * leases, so that what is written in one turn is written as one.
 */
export class ResultStorage {
  readonly #kv: SyncKvStorage;

  constructor(kv: SyncKvStorage) {
    this.#kv = kv;
  }

  /** What is stored, without the value: that may be large, and is read when somebody wants it. */
  load(): ResultInfo | undefined {
    const stored = this.#stored();
    if (!stored) return undefined;
    const { value: _, ...info } = stored;
    return info;
  }

  read(): KeptResult {
    const { value, failed, lease } = this.#kv.get<Stored>(KEY) as Stored;
    return { value, failed, lease };
  }

  /** Stores a result in place of an earlier one, or tells why it can't be stored; then nothing is changed. */
  write(info: ResultInfo, value: unknown): OnceReason | undefined {
    try {
      this.#kv.put<Stored>(KEY, { ...info, value });
      return undefined;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      // A RangeError: nested so deeply that the stack overflows.
      if (error.name === "DataCloneError" || error instanceof RangeError) return "RESULT_NOT_CLONEABLE";
      if (error.message.includes("SQLITE_TOOBIG")) return "RESULT_TOO_LARGE";
      throw error;
    }
  }

  delete(): void {
    this.#kv.delete(KEY);
  }

  /** Without its result the job runs again; a row that can't be read must not take the lock down. */
  #stored(): Stored | undefined {
    try {
      return this.#kv.get<Stored>(KEY);
    } catch (error) {
      console.error("durable-locks: the result of a job can't be read; the job will run again.", error);
      return undefined;
    }
  }
}
