import type { Step } from "./messages.ts";

/** Sees every critical section of all processes begin and end, and so whether two were ever in at a time. */
export class Arbiter {
  readonly #inside = new Map<string, number>();
  readonly #highest = new Map<string, number>();
  readonly violations: string[] = [];
  sections = 0;

  see({ kind, id, lease }: Step): void {
    if (kind === "leave") return this.#leave(id, lease);
    this.sections += 1;
    const other = this.#inside.get(id);
    if (other !== undefined) this.violations.push(`G1 ${id}: ${lease} beside ${other}`);
    if (lease <= (this.#highest.get(id) ?? 0)) this.violations.push(`G2 ${id}: ${lease} does not grow`);
    this.#inside.set(id, lease);
    this.#highest.set(id, Math.max(lease, this.#highest.get(id) ?? 0));
  }

  #leave(id: string, lease: number): void {
    if (this.#inside.get(id) === lease) this.#inside.delete(id);
  }
}
