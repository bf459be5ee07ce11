import { LIMITS } from "../core/limits.ts";
import type { Tie } from "./exit-watch.ts";

const MOST_PER_LEASE = 100;

/** What ties leases to their holders. A holder whose connection broke binds again, and the old tie goes late. */
export class Ties {
  readonly #all = new Map<number, Set<Tie>>();

  /** `isLive` tells which leases a tie can still end. */
  add(lease: number, tie: Tie, isLive: (lease: number) => boolean): void {
    const ties = this.#all.get(lease) ?? new Set();
    this.#all.set(lease, ties.add(tie));
    const [first] = ties;
    // A holder that has bound so often has lost the first of them.
    if (first && ties.size > MOST_PER_LEASE) ties.delete(first);
    if (this.#all.size <= LIMITS.maxLeases) return;
    for (const other of this.#all.keys()) if (!isLive(other)) this.#all.delete(other);
  }

  remove(lease: number, tie: Tie): void {
    const ties = this.#all.get(lease);
    if (ties?.delete(tie) && ties.size === 0) this.#all.delete(lease);
  }

  has(lease: number): boolean {
    return this.#all.has(lease);
  }
}
