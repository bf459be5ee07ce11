/** Sees who is in which critical section, and that nobody is who must not be. */
export class Arbiter {
  readonly #inside = new Set<string>();
  readonly #newest = new Map<string, number>();
  overlaps = 0;
  /** Leases whose number was not above all before it. */
  stale = 0;
  sections = 0;

  enter(id: string, lease: number): void {
    this.sections += 1;
    if (this.#inside.has(id)) this.overlaps += 1;
    if (lease <= (this.#newest.get(id) ?? 0)) this.stale += 1;
    this.#inside.add(id);
    this.#newest.set(id, lease);
  }

  leave(id: string): void {
    this.#inside.delete(id);
  }
}
