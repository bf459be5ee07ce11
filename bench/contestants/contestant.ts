/** A lock that a contestant has taken. */
export interface Held {
  release(): Promise<unknown>;
  /** Absent if the contestant's users can't renew by hand. */
  renew?(): Promise<unknown>;
}

/** One way to lock: this library over one transport, or a peer. */
export interface Contestant {
  /** Tries once; undefined if the lock is taken. */
  tryOnce(id: string): Promise<Held | undefined>;
  /** Waits as this contestant's users wait. Rejects if the signal fires. */
  wait(id: string, signal: AbortSignal): Promise<Held>;
  /** Runs work under the lock. Absent if the contestant has no such call. */
  withLock?(id: string, work: () => Promise<void>): Promise<unknown>;
  /** How many requests have left so far; undefined if this contestant does not count them. */
  requests(): number | undefined | Promise<number | undefined>;
}

/** The part of an object's stub that plain requests need. */
export interface Stub {
  fetch(url: string, init?: { signal?: AbortSignal }): Promise<Pick<Response, "json">>;
}

/** Longer than any round, so that no lease of a benchmark runs out. */
export const TTL = 60_000;
