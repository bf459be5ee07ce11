import type { ObjectCall } from "../work/object-call.ts";
import type { StorageName } from "./figure.ts";
import type { Lab } from "./lab.ts";
import type { Source } from "./source.ts";
import { Workerd } from "./workerd.ts";

const NAME = "object";
const CLASS = "SeededLock";

/** A workerd of its own with the Worker that looks at one object. */
export class ObjectWorker implements AsyncDisposable {
  /** Where the objects are stored. */
  readonly folder: string;
  readonly #workerd: Workerd;

  private constructor(folder: string, workerd: Workerd) {
    this.folder = folder;
    this.#workerd = workerd;
  }

  static async start(lab: Lab, source: Source, storage: StorageName): Promise<ObjectWorker> {
    const folder = lab.folders.new(storage);
    const worker = { name: NAME, script: await lab.worker("object.ts", source), objects: { DURABLE_LOCK: CLASS } };
    return new ObjectWorker(folder, await Workerd.start(folder, [worker]));
  }

  ask<T>(call: ObjectCall): Promise<T> {
    return this.#workerd.ask(NAME, call);
  }

  /** Removes an object from memory. */
  evict(id: string): Promise<void> {
    return this.#workerd.evict(NAME, CLASS, id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#workerd[Symbol.asyncDispose]();
  }
}
