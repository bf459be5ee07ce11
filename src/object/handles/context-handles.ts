import { LIMITS } from "../../core/limits.ts";
import type { ContextHandle } from "./context-handle.ts";

const MOST_PER_LEASE = 100;

/** The context handles of each lease. A holder whose connection broke gets a new one, and the old one may end later. */
export class ContextHandles {
  readonly #all = new Map<number, Set<ContextHandle>>();

  /** Adds a handle. `isLive` says which leases are live; only the handles of those are still needed. */
  add(lease: number, handle: ContextHandle, isLive: (lease: number) => boolean): void {
    const handles = this.#all.get(lease) ?? new Set();
    this.#all.set(lease, handles.add(handle));
    const [first] = handles;
    // A holder that has asked for so many handles no longer uses the first.
    if (first && handles.size > MOST_PER_LEASE) handles.delete(first);
    if (this.#all.size <= LIMITS.maxLeases) return;
    for (const other of this.#all.keys()) if (!isLive(other)) this.#all.delete(other);
  }

  remove(lease: number, handle: ContextHandle): void {
    const handles = this.#all.get(lease);
    if (handles?.delete(handle) && handles.size === 0) this.#all.delete(lease);
  }

  has(lease: number): boolean {
    return this.#all.has(lease);
  }
}
