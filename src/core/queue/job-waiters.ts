import { onceOf } from "../leases/lease.ts";
import type { Waiter } from "./waiter.ts";

/** The waiters for once-only jobs, by the fingerprint of the job's payload. */
export class JobWaiters {
  readonly #byOnce = new Map<string, Set<Waiter>>();

  add(waiter: Waiter): void {
    const once = onceOf(waiter.job);
    if (once !== undefined) this.#byOnce.set(once, (this.#byOnce.get(once) ?? new Set()).add(waiter));
  }

  delete(waiter: Waiter): void {
    const once = onceOf(waiter.job) ?? "";
    const waiters = this.#byOnce.get(once);
    if (waiters?.delete(waiter) && waiters.size === 0) this.#byOnce.delete(once);
  }

  all(): Waiter[] {
    return [...this.#byOnce.values()].flatMap((waiters) => [...waiters]);
  }

  /** Those whose payload differs from the one with this fingerprint. */
  withOtherPayload(fingerprint: string): Waiter[] {
    const differs = (once: string) => once !== "" && once !== fingerprint;
    return [...this.#byOnce].filter(([once]) => differs(once)).flatMap(([, waiters]) => [...waiters]);
  }
}
