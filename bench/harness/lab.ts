import { join } from "node:path";
import { bundle } from "./bundle.ts";
import type { StorageName } from "./figure.ts";
import { Folders } from "./folders.ts";
import { type Performer, performersOn } from "./performers.ts";
import { CURRENT, type Source, sourceAt } from "./source.ts";
import { type Worker, Workerd } from "./workerd.ts";

const WORKERS = join(import.meta.dirname, "../workers");

/** How a run was asked for. */
interface LabOptions {
  /** Whether to measure for longer, and more sizes. */
  full: boolean;
  /** A commit of this library to compare with. */
  against?: string | undefined;
}

/** What the sections share: the versions of the library, folders, and processes that start when they are first needed. */
export class Lab implements AsyncDisposable {
  readonly full: boolean;
  readonly folders = new Folders();
  readonly sources: readonly Source[];
  readonly #workerds = new Map<StorageName, Promise<Workerd>>();
  readonly #performers = new Map<StorageName, Promise<Performer[]>>();
  readonly #disposables = new AsyncDisposableStack();

  constructor({ full, against }: LabOptions) {
    this.full = full;
    this.#disposables.use(this.folders);
    const other = against === undefined ? [] : [sourceAt(against, this.folders.new("disk"))];
    this.sources = [CURRENT, ...other];
  }

  /** How many rounds a median is made of. */
  get rounds(): number {
    return this.full ? 16 : 8;
  }

  /** Disposes of something at the end of the run. */
  use<T extends AsyncDisposable | Disposable>(value: T): T {
    return this.#disposables.use(value);
  }

  /** The workerd that runs every Worker which is measured from inside. */
  workerd(storage: StorageName): Promise<Workerd> {
    return once(this.#workerds, storage, () => this.#start(storage));
  }

  /** All contestants, with their storage in one place. */
  performers(storage: StorageName): Promise<Performer[]> {
    return once(this.#performers, storage, () => performersOn(this, storage));
  }

  /** Bundles one of the Workers of the bench. */
  worker(file: string, source: Source = CURRENT): Promise<string> {
    return bundle(source, { entryPoints: [join(WORKERS, file)] });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#disposables.disposeAsync();
  }

  async #start(storage: StorageName): Promise<Workerd> {
    const libraries = this.sources.map(async (source, n): Promise<Worker> => ({
      name: `library-${n}`,
      script: await this.worker("library.ts", source),
      objects: { DURABLE_LOCK: "DurableLock" },
    }));
    const workers: Worker[] = [
      ...(await Promise.all(libraries)),
      { name: "first", script: await this.worker("first-library.ts"), objects: { FIRST_LOCK: "FirstLock" } },
      { name: "unit", script: await this.worker("unit.ts"), objects: { UNIT: "Unit" } },
    ];
    return this.use(await Workerd.start(this.folders.new(storage), workers));
  }
}

function once<T>(started: Map<StorageName, Promise<T>>, storage: StorageName, start: () => Promise<T>): Promise<T> {
  const known = started.get(storage) ?? start();
  started.set(storage, known);
  return known;
}
