import type { Lock } from "../toolkit/lock.ts";
import type { ReadWriteLock } from "../toolkit/read-write-lock.ts";
import type { Semaphore, SemaphoreOptions } from "../toolkit/semaphore.ts";
import type { WebLockManagerOptions } from "../toolkit/web-locks/create-web-locks.ts";
import type { WebLockManager } from "../toolkit/web-locks/web-lock-manager.ts";

/**
 * One set of locks: what `bindLocks` gives in a Worker, and `connectLocks` over HTTP. You can destructure its members.
 *
 * Code that takes `Locks` runs unchanged on both. The one exception is `releaseOnExit`: over HTTP it is refused with
 * `INVALID_ARGUMENT`, because no connection outlives its request.
 *
 * @example
 * ```ts
 * async function report({ lock }: Locks) {
 *   await lock("nightly-report").withLock(({ signal }) => buildReport(signal));
 * }
 * ```
 */
export interface Locks {
  /**
   * The lock of this id. Makes no request.
   *
   * @param id - any well-formed string of 1 to 512 bytes
   * @throws `INVALID_ARGUMENT`
   */
  readonly lock: (id: string) => Lock;
  /**
   * A semaphore: callers hold up to `permits` permits of this id at a time, granted in the order of the requests.
   *
   * Each holder has its own lease, renewed and lost like that of any lock. Each request brings its own limit, which is
   * compared with all permits in use. So if two callers disagree, the one with the lower limit waits until enough
   * permits are free by its own limit; `status()` shows the `capacity` that each one uses.
   *
   * @param id - any well-formed string of 1 to 512 bytes; a lock of the same id is the same object
   * @throws `INVALID_ARGUMENT`
   */
  readonly semaphore: (id: string, options: SemaphoreOptions) => Semaphore;
  /**
   * A read-write lock: many readers or one writer, first come, first served.
   *
   * No later reader overtakes a writer that waits, so writers don't starve. Readers next to each other in the queue are
   * let in together. `read` and `write` are full locks: every option and combinator works on both.
   *
   * @param id - any well-formed string of 1 to 512 bytes; a lock of the same id is the same object
   * @throws `INVALID_ARGUMENT`
   */
  readonly readWriteLock: (id: string) => ReadWriteLock;
  /**
   * The Web Locks API over these locks: what `navigator.locks` is to the tabs of one browser, for all callers.
   *
   * A name is a lock id, so `lock` with it is the same lock. A lock is held under a lease that renews itself (`ttl`,
   * 30 s by default), so it can be lost, by `steal` or otherwise: then its `signal` fires and the request rejects with an
   * `AbortError`, whose `cause` is the `LeaseLostError`, while the callback may go on. `docs/web-locks.md` lists
   * everything that differs from a browser.
   *
   * @param options - how locks are held: `ttl`, `maxHold`, `releaseOnExit` and `owner`, which is the manager's
   * `clientId`
   * @throws `INVALID_ARGUMENT`
   */
  readonly webLocks: (options?: WebLockManagerOptions) => WebLockManager;
}
