// Free of Cloudflare's types, so that it can be compared with the DOM's.

/** Alone, or with others that share. */
export type WebLockMode = "exclusive" | "shared";

/** A lock that was granted: the standard's, with what a lease adds. */
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

/** What runs under the lock; it gets null if `ifAvailable` was asked for and the lock is taken. */
export type WebLockCallback<T> = (lock: WebLock | null) => T;

/** How to ask for a lock. */
export interface WebLockOptions {
  /** Alone or shared. @default "exclusive" */
  mode?: WebLockMode;
  /** Don't wait: call back with null if the lock is taken. @default false */
  ifAvailable?: boolean;
  /** Take the lock from whoever holds it, past whoever waits. @default false */
  steal?: boolean;
  /** Aborts the waiting, not the holding. */
  signal?: AbortSignal;
}

/** A request for a lock, held or pending. */
export interface WebLockInfo {
  /** The lock's name. */
  name: string;
  /** Whether it is shared. */
  mode: WebLockMode;
  /** The manager that asked; of requests made otherwise, their owner label. */
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
   * @throws as the standard says: `TypeError`, and `DOMException`s named `NotSupportedError` and `AbortError`; the reason
   * of `signal`; and `LockError`s with `UNREACHABLE`, `QUEUE_FULL`, `TOO_MANY_LEASES`, `RELEASE_FAILED`, `INVALID_ARGUMENT`.
   */
  request<T>(name: string, callback: WebLockCallback<T>): Promise<Awaited<T>>;
  /** The same, with options. */
  request<T>(name: string, options: WebLockOptions, callback: WebLockCallback<T>): Promise<Awaited<T>>;
  /**
   * What *this manager* holds and waits for, without asking anybody; with a name, who holds that lock and who waits for
   * it *anywhere*, as its object knows.
   *
   * No object knows all names, so there is no asking for everything.
   *
   * @throws `UNREACHABLE`
   */
  query(name?: string): Promise<WebLockSnapshot>;
}
