import { tokenNameOf } from "./caller.ts";

/**
 * How many leases, or waiting requests, belong to each token name. Those over RPC don't count, because they have no share.
 *
 * Each change updates the counts, and nothing sums them up: no call may cost more because many others are under way.
 */
export class Shares {
  readonly #counts = new Map<string, number>();

  /** How many belong to the token name of this request; 0 for a request over RPC. */
  of(requestId: string): number {
    const tokenName = tokenNameOf(requestId);
    return tokenName === undefined ? 0 : (this.#counts.get(tokenName) ?? 0);
  }

  change(requestId: string, by: 1 | -1): void {
    const tokenName = tokenNameOf(requestId);
    if (tokenName === undefined) return;
    const count = this.of(requestId) + by;
    if (count > 0) this.#counts.set(tokenName, count);
    else this.#counts.delete(tokenName);
  }

  clear(): void {
    this.#counts.clear();
  }
}
