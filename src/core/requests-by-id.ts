import { givenId, tokenNameOf } from "./caller.ts";

/** Leases or waiters, indexed by their whole request id and by the part of that id that the caller gave. */
export class RequestsById<T> {
  readonly #all = new Map<string, T>();
  /**
   * By given id: requests of several tokens may share it.
   *
   * A request over RPC is not here; its whole id is its given id.
   */
  readonly #ofTokens = new Map<string, Set<string>>();

  get(requestId: string): T | undefined {
    return this.#all.get(requestId);
  }

  /** The whole ids of all requests whose callers gave the same id as this request, under any token name or none. */
  ofEveryName(requestId: string): string[] {
    const given = givenId(requestId);
    const ofTokens = [...(this.#ofTokens.get(given) ?? [])];
    return this.#all.has(given) ? [given, ...ofTokens] : ofTokens;
  }

  add(requestId: string, item: T): void {
    this.#all.set(requestId, item);
    if (tokenNameOf(requestId) === undefined) return;
    const given = givenId(requestId);
    this.#ofTokens.set(given, (this.#ofTokens.get(given) ?? new Set()).add(requestId));
  }

  /** Returns false if the item is not there, or if another item now has its id. */
  delete(requestId: string, item: T): boolean {
    if (this.#all.get(requestId) !== item) return false;
    this.#all.delete(requestId);
    const given = givenId(requestId);
    const ofTokens = this.#ofTokens.get(given);
    if (ofTokens?.delete(requestId) && ofTokens.size === 0) this.#ofTokens.delete(given);
    return true;
  }

  clear(): void {
    this.#all.clear();
    this.#ofTokens.clear();
  }
}
