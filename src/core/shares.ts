import { tokenNameOf } from "./caller.ts";

/**
 * How many leases, or waiting requests, belong to each token name. Requests over RPC have no share and are not counted.
 *
 * Each change updates a count instead of summing up again: no call may cost more because there are many leases or
 * waiters.
 */
export class Shares {
  readonly #counts = new Map<string, number>();

  /** The count for the token name of this request; 0 for a request over RPC. */
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
