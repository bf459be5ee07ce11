// The pure core, driven as an object drives it. What the bench knows of the core's interface is in this file alone.
import { join } from "node:path";
import type { LockState } from "../../src/core/lock-state.ts";
import type { LockRequest } from "../../src/core/request.ts";
import type { Source } from "../harness/source.ts";

const DAY = 86_400_000;

/** What a lease takes: a share that leaves room for all holders, or everything. */
const SHARED = { exclusive: false, permits: 1, capacity: 20_000 };
const EXCLUSIVE = { exclusive: true, permits: 1, capacity: 1 };

type Slots = ConstructorParameters<typeof LockState>[0];

/** Makes cores of one version of this library. */
export async function coreOf({ path }: Source): Promise<(slots?: Slots, pad?: string) => Core> {
  const { LockState: State } = (await import(join(path, "core/lock-state.ts"))) as { LockState: typeof LockState };
  return (slots = [], pad = "") => new Core(new State(slots, Core.start), pad);
}

/** A lock's core. Each call also takes the effects, because an object takes them after each call. */
export class Core {
  static readonly start = 1_700_000_000_000;
  /** By slot, what an object would have written last. */
  readonly rows = new Map<number, ReturnType<LockState["takeEffects"]>["writes"][number]>();
  readonly #state: LockState;
  readonly #pad: string;
  #now = Core.start;
  #ids = 0;

  constructor(state: LockState, pad: string) {
    this.#state = state;
    this.#pad = pad;
  }

  get waiting(): number {
    return this.#state.waiting;
  }

  newId(): string {
    this.#ids += 1;
    return `${this.#ids}`.padEnd(this.#pad.length, this.#pad);
  }

  acquireShared(ttl = DAY): number {
    return this.#acquire({ ...this.#request(ttl), ...SHARED });
  }

  acquireExclusive(): number {
    return this.#acquire(this.#request(DAY));
  }

  /** A try that finds the lock taken. */
  refused(): void {
    if (this.#acquire(this.#request(DAY)) !== 0) throw new Error("A taken lock was granted.");
  }

  enqueue(requestId: string, isShared = false): void {
    const claim = isShared ? SHARED : EXCLUSIVE;
    const request = { ...this.#request(DAY), ...claim, requestId, wait: DAY };
    this.#taking(() => this.#state.enqueue(request, this.#now));
  }

  cancel(requestId: string): void {
    this.#taking(() => this.#state.cancel(requestId, this.#now));
  }

  release(lease: number): void {
    this.#taking(() => this.#state.release(lease, this.newId(), this.#now));
  }

  renew(lease: number): void {
    this.#taking(() => this.#state.renew(lease, DAY, this.newId(), this.#now));
  }

  convert(lease: number, permits: number): void {
    this.#taking(() => this.#state.convert(lease, { ...SHARED, permits }, this.newId(), this.#now));
  }

  /** Lets a ms pass: leases whose time has come end. */
  pass(): void {
    this.#now += 1;
    this.#taking(() => this.#state.wake(this.#now));
  }

  newest(): number {
    return this.#state.newest(this.#now);
  }

  #request(ttl: number): LockRequest {
    const rest = { owner: undefined, lockDelay: 0, job: undefined, wait: 0, waited: 0, steal: false };
    return { requestId: this.newId(), ttl, ...EXCLUSIVE, ...rest };
  }

  #acquire(request: LockRequest): number {
    const reply = this.#taking(() => this.#state.acquire(request, this.#now));
    return reply.success ? reply.lease : 0;
  }

  #taking<T>(call: () => T): T {
    const result = call();
    for (const slot of this.#state.takeEffects().writes) this.rows.set(slot.index, slot);
    return result;
  }
}
