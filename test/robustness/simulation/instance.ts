import { DurableLock } from "../../../src/object/durable-lock.ts";
import { type Change, Store, storageApi } from "./disk.ts";
import { LATEST } from "./ledger.ts";
import { type Clock, Participant } from "./participant.ts";
import type { Site } from "./site.ts";

/** What was changed in one turn: it becomes durable as a whole or not at all. */
interface Batch {
  changes: Change[];
  /** What may leave once it is durable: the output gate. */
  held: (() => void)[];
}

/** One running instance of the shipped object, on its own copy of what is stored. */
export class Instance {
  readonly site: Site;
  readonly process: Participant;
  readonly object: DurableLock;
  /** Calls under way, each with what its caller learns if the instance ends. */
  readonly underWay = new Set<() => void>();
  /** Handles that callers have; while there are any it stays in memory. */
  handles = 0;
  readonly #store: Store;
  readonly #batches: Batch[] = [];
  #open: Batch | undefined;
  /** What arrived while it was starting. */
  #waiting: (() => void)[] | undefined;

  constructor(site: Site, name: string, clock: Clock) {
    this.site = site;
    this.process = new Participant(site.world, name, clock);
    this.#store = Store.copyOf(site.disk);
    let object: DurableLock | undefined;
    this.process.run(() => {
      object = new DurableLock(this.#context() as unknown as DurableObjectState, {});
    });
    this.object = object as DurableLock;
  }

  get isAlive(): boolean {
    return this.process.isAlive;
  }

  /** Whether nothing keeps it in memory. */
  get isIdle(): boolean {
    return this.underWay.size === 0 && this.handles === 0 && this.#batches.length === 0 && this.process.timers === 0;
  }

  /** Runs a call on the object, once it has started. */
  enter(call: () => void): void {
    if (this.#waiting) this.#waiting.push(call);
    else this.process.run(call);
  }

  /** Lets something out as soon as all that was changed before it is durable. */
  letOut(message: () => void): void {
    const last = this.#batches.at(-1);
    if (!this.isAlive) return;
    if (last) last.held.push(message);
    else message();
  }

  /** It goes; of what was not yet durable a part may have become so. */
  crash(): void {
    if (!this.isAlive) return;
    const owns = this.site.owner === this;
    const durable = owns ? this.process.random.whole(0, this.#batches.length) : 0;
    for (const batch of this.#batches.slice(0, durable)) this.site.commit(batch.changes);
    this.site.world.tell(() => `${this.process.name} is gone; ${durable} of ${this.#batches.length} writes stay`);
    this.process.die();
    this.site.gone(this);
    for (const tell of this.underWay) tell();
    this.underWay.clear();
    this.#store.close();
  }

  #context() {
    const pause = () =>
      new Promise<void>((resolve) => {
        this.process.after(this.process.random.between(0, 3), resolve);
      });
    return {
      storage: storageApi(this.#store, (change) => this.#changed(change), pause),
      blockConcurrencyWhile: async (work: () => Promise<void>) => {
        this.#waiting = [];
        await work();
        const waiting = this.#waiting;
        this.#waiting = undefined;
        for (const call of waiting) this.process.run(call);
      },
      abort: (reason: string) => {
        if (this.isAlive) this.site.aborted(reason);
        this.crash();
      },
    };
  }

  /** Changes of one turn are one batch; batches become durable in order. */
  #changed(change: Change): void {
    if (!this.isAlive) throw new Error("an instance that is gone writes");
    if (this.#open) return void this.#open.changes.push(change);
    const batch: Batch = { changes: [change], held: [] };
    this.#open = batch;
    this.#batches.push(batch);
    const { world } = this.site;
    world.after(0, () => {
      if (this.#open === batch) this.#open = undefined;
    });
    world.after(this.process.random.chance(0.97) ? this.process.random.between(0.1, 8) : LATEST, () => this.#sync());
  }

  #sync(): void {
    if (!this.isAlive) return;
    // Here, and only here, an instance that was replaced finds out.
    if (this.site.owner !== this) return this.crash();
    const batch = this.#batches.shift();
    if (batch === this.#open) this.#open = undefined;
    if (!batch) return;
    this.site.commit(batch.changes);
    for (const message of batch.held) message();
  }
}
