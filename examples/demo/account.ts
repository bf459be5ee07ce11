import { DurableObject } from "cloudflare:workers";

/** A bank account whose balance is read and written in two steps, like a row in any database. */
export class Account extends DurableObject {
  /** The balance as it is now. */
  balance(): number {
    return this.ctx.storage.kv.get<number>("balance") ?? 0;
  }

  /** Overwrites the balance, even if it has changed since it was read. */
  setBalance(balance: number): void {
    this.ctx.storage.kv.put("balance", balance);
  }
}
