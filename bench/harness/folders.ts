import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StorageName } from "./figure.ts";

const RAM_DISK = "/dev/shm";

/** The folders of a run: one on disk, and one in memory if the machine has such a place. */
export class Folders implements Disposable {
  readonly #parents = new Map<StorageName, string>();
  #count = 0;

  constructor() {
    process.once("exit", () => this[Symbol.dispose]());
    this.#parents.set("disk", mkdtempSync(join(tmpdir(), "durable-locks-bench-")));
    if (existsSync(RAM_DISK)) this.#parents.set("RAM disk", mkdtempSync(join(RAM_DISK, "durable-locks-bench-")));
  }

  /** The kinds of storage to measure on, the steadier one first. */
  get storages(): StorageName[] {
    return [...this.#parents.keys()].toReversed();
  }

  /** A new folder on a storage. Without a RAM disk, everything is on disk. */
  new(storage: StorageName): string {
    const parent = this.#parents.get(storage) ?? this.#parents.get("disk") ?? "";
    this.#count += 1;
    return mkdtempSync(join(parent, `${this.#count}-`));
  }

  [Symbol.dispose](): void {
    for (const folder of this.#parents.values())
      rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}
