// This file uses no Cloudflare types, so that a test can compare it with the DOM's types.

/** Alone, or shared with others. */
export type WebLockMode = "exclusive" | "shared";

/** A granted lock: the standard's, with the members that a lease adds. */
export interface WebLock {
  /** Its name, which is the lock id. */
  readonly name: string;
  /** Whether it is shared. */
  readonly mode: WebLockMode;
  /** The lease number: the fencing token. */
  readonly lease: number;
  /** Fires with a `LeaseLostError` when the lock is lost; `superseded` if it was stolen. */
  readonly signal: AbortSignal;
}

/** What runs under the lock. With `ifAvailable`, it gets null if the lock is taken. */
export type WebLockCallback<T> = (lock: WebLock | null) => T;

/** How to ask for a lock. */
export interface WebLockOptions {
  /** Alone or shared. @default "exclusive" */
  mode?: WebLockMode;
  /** Don't wait: call back with null if the lock is taken. @default false */
  ifAvailable?: boolean;
  /** Take the lock from its holders, ahead of all waiters. @default false */
  steal?: boolean;
  /** Aborts the wait, not the hold. @default none */
  signal?: AbortSignal;
}

/** A request for a lock, held or pending. */
export interface WebLockInfo {
  /** The lock's name. */
  name: string;
  /** Whether it is shared. */
  mode: WebLockMode;
  /**
   * The manager that made the request: its option `owner`, or a random id. For requests of other callers, their owner
   * label.
   */
  clientId?: string;
}

/** Who holds and who waits. */
export interface WebLockSnapshot {
  /** The locks that are held. */
  held: WebLockInfo[];
  /** The requests that wait, in their order for one name. */
  pending: WebLockInfo[];
}

/** The standard's `LockManager`. */
export interface WebLockManager {
  /**
   * Asks for a lock, runs the callback under it, and settles as the callback does.
   *
   * Requests for one name that one Worker request makes of one manager are granted in the order in which they were
   * made, over HTTP in the order in which they arrive. Every error rejects the promise.
   *
   * @param name - the lock id, 1 to 512 bytes, not beginning with "-"
   * @throws as the standard says: `TypeError`, and `DOMException`s named `NotSupportedError` and `AbortError` (the lock
   * was lost or stolen: `cause` is the `LeaseLostError`); the reason of `signal`; and `LockError`s with `UNREACHABLE`,
   * `QUEUE_FULL`, `TOO_MANY_LEASES`, `RELEASE_FAILED`, `VERSION_MISMATCH`, `INVALID_ARGUMENT`; over HTTP
   * `ACCESS_DENIED`, `RATE_LIMITED`.
   * @example
   * ```ts
   * await locks.request("sync", async (lock) => await sync({ signal: lock?.signal }));
   * ```
   */
  request<T>(name: string, callback: WebLockCallback<T>): Promise<Awaited<T>>;
  /** The same, with options; `undefined` and `null` mean none. */
  request<T>(
    name: string,
    options: WebLockOptions | null | undefined,
    callback: WebLockCallback<T>,
  ): Promise<Awaited<T>>;
  /**
   * What *this manager* holds and waits for, without a call to any object. With a name, who holds that lock and who
   * waits for it *anywhere*, as its object knows. The answer is a copy.
   *
   * No object knows all names, so you can't ask for everything.
   *
   * @throws `UNREACHABLE` if the object does not answer within 5 s; `INVALID_ARGUMENT` for a name that can't be a lock
   * id.
   * @example
   * ```ts
   * const { held, pending } = await locks.query("sync");
   * ```
   */
  query(name?: string): Promise<WebLockSnapshot>;
}
