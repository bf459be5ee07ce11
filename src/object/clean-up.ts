import { InvariantError } from "../core/invariant.ts";
import { LIMITS } from "../core/limits.ts";
import type { ObjectStorage } from "./storage/object-storage.ts";

/** What clean-up needs of the running instance: a `DurableObjectState`, for one. */
export interface Instance {
  /** Holds all calls back until `work` is done. */
  blockConcurrencyWhile(work: () => Promise<void>): Promise<void>;
  /** Ends the instance: the next call starts one from what is stored. */
  abort(reason: string): void;
}

/** What is cleaned up. */
export interface Cleanable {
  /** What messages call it. */
  readonly name: string;
  /** Whether nobody has used it for so long, and nothing of it is live, that it can be wiped. */
  isIdle(now: number): boolean;
  /** Deletes what is stored and no longer needed. Answers until when the rest is needed at least, if that is known. */
  tidy?(now: number): number | undefined;
  /** Forgets in memory what storage forgets. */
  forget(): void;
}

/** Sees to it that what an object stores is wiped some day, and that the object never answers what it could not write. */
export class CleanUp {
  readonly #storage: ObjectStorage;
  readonly #instance: Instance;
  readonly #object: Cleanable;
  #alarmIsSet = false;

  constructor(storage: ObjectStorage, instance: Instance, object: Cleanable) {
    this.#storage = storage;
    this.#instance = instance;
    this.#object = object;
  }

  /** To be called when the instance starts, if anything is stored. */
  findAlarm(): void {
    // Asked for and not inferred from the rows: an alarm that was lost would never be set again.
    void this.#instance.blockConcurrencyWhile(async () => {
      this.#alarmIsSet = (await this.#storage.getAlarm()) !== null;
    });
  }

  /** Writes, and sets the alarm if none is set. */
  write(write: () => void, now: number): void {
    this.orAbort(() => {
      write();
      if (!this.#alarmIsSet) void this.#storage.setAlarm(now + LIMITS.cleanUp);
      this.#alarmIsSet = true;
    });
  }

  /** Makes a step that changes memory or storage; if it fails, the two may differ, and the instance ends. */
  orAbort<T>(step: () => T, why = `The ${this.#object.name} could not be written.`): T {
    try {
      return step();
    } catch (error) {
      // The instance must not answer from memory now: start again from what is stored.
      const { name } = this.#object;
      this.#instance.abort(error instanceof InvariantError ? `The ${name} broke an invariant: ${error.message}` : why);
      throw error;
    }
  }

  /** The alarm has fired: wipes the object if it is idle, and sets the alarm again if not, or if that fails. */
  async run(now: number): Promise<void> {
    // The alarm is spent. If it can't be set again here, and the runtime gives up trying, the next write sets it.
    this.#alarmIsSet = false;
    let neededUntil: number | undefined;
    try {
      if (this.#object.isIdle(now)) return await this.#wipe();
      neededUntil = this.#object.tidy?.(now);
    } catch (error) {
      // Left to the runtime, an alarm that keeps failing is gone after seven tries, and with it this object's clean-up.
      console.error("durable-locks: the clean-up failed and will be tried again in a day.", error);
    }
    await this.#storage.setAlarm(Math.max(now + LIMITS.cleanUp, neededUntil ?? now));
    this.#alarmIsSet = true;
  }

  async #wipe(): Promise<void> {
    const wiped = this.#storage.wipe();
    // In the same turn as the deletion: a write that comes next must set the alarm again.
    this.#object.forget();
    await wiped;
  }
}
