import type { Deposited, Granted, LockStatus, LockedDeposit } from "./messages.ts";

/** One account of the Worker's bank, over HTTP. Each call is one request. */
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
    // Without this header wrangler answers an error with a page. With it the answer is text, the message first.
    const response = await fetch(url, { method, headers: { accept: "application/json" } });
    if (response.ok) return (await response.json()) as T;
    const [message] = (await response.text()).split("\n");
    throw new Error(`${method} ${url.pathname} answered ${response.status}: ${message}`);
  }
}
