import type { Deposited, Granted, LockStatus, LockedDeposit } from "./messages.ts";

/** One account of the bank that the Worker is, over HTTP: each call is a request of its own. */
export class Bank {
  readonly #url: URL;
  readonly #account: string;

  constructor(url: URL, account: string) {
    this.#url = url;
    this.#account = account;
  }

  deposit(order: { amount: number; work: number }): Promise<Deposited> {
    return this.#send("POST", "deposit", order);
  }

  depositLocked(order: { amount: number; work: number; owner: string; ttl: number }): Promise<LockedDeposit> {
    return this.#send("POST", "deposit-locked", order);
  }

  crash(asking: { owner: string; ttl: number }): Promise<Granted> {
    return this.#send("POST", "crash", asking);
  }

  release(lease: number): Promise<unknown> {
    return this.#send("POST", "release", { lease });
  }

  balance(): Promise<number> {
    return this.#send("GET", "balance");
  }

  status(): Promise<LockStatus> {
    return this.#send("GET", "status");
  }

  async #send<T>(method: string, path: string, params: Record<string, string | number> = {}): Promise<T> {
    const url = new URL(path, this.#url);
    for (const [name, value] of Object.entries<string | number>({ account: this.#account, ...params }))
      url.searchParams.set(name, String(value));
    // Whoever does not ask for a page gets an error as text, the message first.
    const response = await fetch(url, { method, headers: { accept: "application/json" } });
    if (response.ok) return (await response.json()) as T;
    const [message] = (await response.text()).split("\n");
    throw new Error(`${method} ${url.pathname} answered ${response.status}: ${message}`);
  }
}
