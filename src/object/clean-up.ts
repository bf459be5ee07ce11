import { InvariantError } from "../core/invariant.ts";
import { LIMITS } from "../core/limits.ts";
import type { ObjectStorage } from "./storage/object-storage.ts";

/** What clean-up needs from the running instance. A `DurableObjectState` provides it. */
export interface Instance {
  /** Holds back all calls until `work` is done. */
  blockConcurrencyWhile(work: () => Promise<void>): Promise<void>;
  /** Ends the instance. The next call starts a new one from storage. */
  abort(reason: string): void;
}

/** An object that can be cleaned up. */
export interface Cleanable {
  /** Its name in messages. */
  readonly name: string;
  /** Whether it can be wiped: nothing is live, and nobody has used it for long enough. */
  isIdle(now: number): boolean;
  /** Deletes what is no longer needed. Returns until when the rest is needed at least, if that is known. */
  tidy?(now: number): number | undefined;
  /** Forgets in memory what was wiped from storage. */
  forget(): void;
}

/**
 * Wipes an object's storage after its last use, and makes sure that the object never replies with what it failed to
 * write.
 */
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

  /** Finds out whether an alarm is set. Call it when the instance starts, if anything is stored. */
  findAlarm(): void {
    // The alarm is read and not inferred from the rows: otherwise a lost alarm would never be set again.
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

  /** Runs a step that changes memory or storage. If it fails, the two may differ, so the instance ends. */
  orAbort<T>(step: () => T, why = `The ${this.#object.name} could not be written.`): T {
    try {
      return step();
    } catch (error) {
      // From now on the instance must not answer from memory. The next one starts from storage.
      const { name } = this.#object;
      this.#instance.abort(error instanceof InvariantError ? `The ${name} broke an invariant: ${error.message}` : why);
      throw error;
    }
  }

  /** Handles the alarm: wipes the object if it is idle. Otherwise, or if wiping fails, sets the alarm again. */
  async run(now: number): Promise<void> {
    // The alarm has fired and is gone. If it can't be set again here, and the runtime's retries fail too, the next
    // write sets it.
    this.#alarmIsSet = false;
    let neededUntil: number | undefined;
    try {
      if (this.#object.isIdle(now)) return await this.#wipe();
      neededUntil = this.#object.tidy?.(now);
    } catch (error) {
      // The error is caught here because the runtime drops an alarm after seven failed attempts. Then this object would
      // never be cleaned up.
      console.error("durable-locks: the clean-up failed; it will run again in a day.", error);
    }
    await this.#storage.setAlarm(Math.max(now + LIMITS.cleanUp, neededUntil ?? now));
    this.#alarmIsSet = true;
  }

  async #wipe(): Promise<void> {
    const wiped = this.#storage.wipe();
    // Forget in the same turn as the deletion: the next write must set the alarm again.
    this.#object.forget();
    await wiped;
  }
}
