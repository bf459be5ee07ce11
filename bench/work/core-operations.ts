import type { Core } from "./core.ts";
import type { Sample } from "./order.ts";

const CYCLES = 60;

/** Adds up the time of each kind of operation. */
class Stopwatch {
  readonly #totals = new Map<string, number>();

  time<T>(operation: string, run: () => T): T {
    const since = performance.now();
    const result = run();
    this.#totals.set(operation, (this.#totals.get(operation) ?? 0) + performance.now() - since);
    return result;
  }

  /** In microseconds for one operation. */
  sample(cycles: number): Sample {
    return Object.fromEntries([...this.#totals].map(([operation, total]) => [operation, (total / cycles) * 1_000]));
  }
}

/** Fills a core with holders that share the lock; returns their leases. */
export function fillWithHolders(core: Core, count: number): number[] {
  return Array.from({ length: count }, () => core.acquireShared());
}

/** Fills a core with one holder, and waiters behind it. */
export function fillWithWaiters(core: Core, count: number): void {
  core.acquireExclusive();
  for (let n = 0; n < count; n += 1) core.enqueue(core.newId());
}

/** Each operation on a lock with many holders. Afterwards there are as many as before. */
export function amongHolders(core: Core, leases: readonly number[]): Sample {
  const watch = new Stopwatch();
  const some = leases[leases.length >> 1] ?? 0;
  for (let n = 0; n < CYCLES; n += 1) {
    const lease = watch.time("acquire", () => core.acquireShared());
    watch.time("renew", () => core.renew(some));
    watch.time("convert", () => core.convert(lease, 2 + (n % 2)));
    watch.time("refused acquire", () => core.refused());
    watch.time("release", () => core.release(lease));
    core.acquireShared(1);
    watch.time("expire", () => core.pass());
  }
  return watch.sample(CYCLES);
}

/** Each operation on a lock with many waiters. Afterwards there are as many as before. */
export function amongWaiters(core: Core): Sample {
  const watch = new Stopwatch();
  for (let n = 0; n < CYCLES; n += 1) {
    const id = core.newId();
    watch.time("enqueue", () => core.enqueue(id));
    watch.time("poll again", () => core.enqueue(id));
    watch.time("refused acquire", () => core.refused());
    watch.time("renew", () => core.renew(core.newest()));
    watch.time("cancel", () => core.cancel(id));
    watch.time("hand-off", () => core.release(core.newest()));
    core.enqueue(core.newId());
  }
  return watch.sample(CYCLES);
}

/** How long the release takes that lets in all readers who wait, in milliseconds. */
export function letReadersIn(core: Core, count: number): Sample {
  const writer = core.acquireExclusive();
  for (let n = 0; n < count; n += 1) core.enqueue(core.newId(), true);
  const since = performance.now();
  core.release(writer);
  const ms = performance.now() - since;
  if (core.waiting > 0) throw new Error("Some readers still wait.");
  return { ms };
}
