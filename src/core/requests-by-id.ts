import { givenId, tokenNameOf } from "./caller.ts";

/** What is under way, by its whole request id, and by the part of that id that its caller gave. */
export class RequestsById<T> {
  readonly #all = new Map<string, T>();
  /** Requests of several tokens may have the same id. Those over RPC are not here: their whole id is the given one. */
  readonly #ofTokens = new Map<string, Set<string>>();

  get(requestId: string): T | undefined {
    return this.#all.get(requestId);
  }

  /** The whole ids of all requests whose callers gave the same id as this one, whatever their token. */
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

  /** False if it is not there, or another has its id by now. */
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
