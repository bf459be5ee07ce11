import { join } from "node:path";
import type { Sample, Order } from "../work/order.ts";
import { bundle } from "./bundle.ts";
import type { StorageName } from "./figure.ts";
import { Folders } from "./folders.ts";
import { CURRENT, type Source, sourceAt } from "./source.ts";
import { type Worker, Workerd } from "./workerd.ts";

const WORKERS = join(import.meta.dirname, "../workers");

/** How a run was asked for. */
export interface LabOptions {
  /** Whether to measure for longer, and more sizes. */
  full: boolean;
  /** A commit of this library to compare with. */
  against?: string | undefined;
}

/** One way to lock that can be given orders. */
export interface Performer {
  name: string;
  /** What it stands on, by which sections choose. */
  kind: "rpc" | "fetch" | "first" | "http" | "redis" | "process";
  perform: (order: Order) => Promise<Sample>;
}

/** What the sections share: the versions of the library, folders, and processes that start when they are first needed. */
export class Lab implements AsyncDisposable {
  readonly full: boolean;
  readonly folders = new Folders();
  readonly sources: readonly Source[];
  readonly #workerds = new Map<StorageName, Promise<Workerd>>();
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
    const started = this.#workerds.get(storage) ?? this.#start(storage);
    this.#workerds.set(storage, started);
    return started;
  }

  /** All contestants that are there on a storage. */
  async performers(storage: StorageName): Promise<Performer[]> {
    return this.workerPerformers(storage);
  }

  /** The contestants that run in Workers. */
  async workerPerformers(storage: StorageName): Promise<Performer[]> {
    const workerd = await this.workerd(storage);
    const via = (worker: string, way: string) => (order: Order) => workerd.perform(worker, { ...order, way });
    const ours = this.sources.flatMap(({ library }, n): Performer[] => [
      { name: `${library}, RPC`, kind: "rpc", perform: via(`library-${n}`, "rpc") },
      { name: `${library}, fetch`, kind: "fetch", perform: via(`library-${n}`, "fetch") },
    ]);
    return [...ours, { name: "the first library's way", kind: "first", perform: via("first", "") }];
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
