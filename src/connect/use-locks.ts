import { createLock } from "../toolkit/create-lock.ts";
import type { Lock } from "../toolkit/lock.ts";
import { type ReadWriteLock, createReadWriteLock } from "../toolkit/read-write-lock.ts";
import { type Semaphore, type SemaphoreOptions, createSemaphore } from "../toolkit/semaphore.ts";
import { type WebLockManagerOptions, createWebLocks } from "../toolkit/web-locks/create-web-locks.ts";
import type { WebLockManager } from "../toolkit/web-locks/web-lock-manager.ts";
import type { LockNamespace } from "../transport/rpc/namespace.ts";
import { primitivesIn } from "./bind-locks.ts";

/**
 * The lock of this id: short for `bindLocks(namespace).lock(id)`.
 *
 * Makes no request and holds nothing: it is cheap, and you can destructure its functions.
 *
 * @param namespace - the binding of the `DurableLock` class
 * @param id - any well-formed string of 1 to 512 bytes
 * @throws `INVALID_ARGUMENT`
 * @example
 * ```ts
 * const { withLock } = useDurableLock(env.DURABLE_LOCK, `account:${accountId}`);
 * await withLock(() => transfer(accountId, amount));
 * ```
 */
export function useDurableLock(namespace: LockNamespace, id: string): Lock {
  return createLock(primitivesIn(namespace)(id));
}

/**
 * The semaphore of this id: short for `bindLocks(namespace).semaphore(id, options)`.
 *
 * @param namespace - the binding of the `DurableLock` class
 * @param id - any well-formed string of 1 to 512 bytes; a lock of the same id is the same object
 * @throws `INVALID_ARGUMENT`
 * @example
 * ```ts
 * const { withLock } = useSemaphore(env.DURABLE_LOCK, "smtp", { permits: 5 });
 * await withLock(() => send(mail));
 * ```
 */
export function useSemaphore(namespace: LockNamespace, id: string, options: SemaphoreOptions): Semaphore {
  return createSemaphore(primitivesIn(namespace)(id), options);
}

/**
 * The read-write lock of this id: short for `bindLocks(namespace).readWriteLock(id)`.
 *
 * @param namespace - the binding of the `DurableLock` class
 * @param id - any well-formed string of 1 to 512 bytes; a lock of the same id is the same object
 * @throws `INVALID_ARGUMENT`
 * @example
 * ```ts
 * const { read, write } = useReadWriteLock(env.DURABLE_LOCK, "catalogue");
 * const page = await read.withLock(render);
 * await write.withLock(importProducts);
 * ```
 */
export function useReadWriteLock(namespace: LockNamespace, id: string): ReadWriteLock {
  return createReadWriteLock(primitivesIn(namespace)(id));
}

/**
 * The Web Locks API over Durable Objects: short for `bindLocks(namespace).webLocks(options)`.
 *
 * @param namespace - the binding of the `DurableLock` class
 * @param options - how locks are held: `ttl`, `maxHold`, `releaseOnExit` and `owner`, which is the manager's `clientId`
 * @throws `INVALID_ARGUMENT`
 * @example
 * ```ts
 * const locks = webLocks(env.DURABLE_LOCK);
 * await locks.request("sync", { mode: "shared" }, async () => await sync());
 * ```
 */
export function webLocks(namespace: LockNamespace, options?: WebLockManagerOptions): WebLockManager {
  return createWebLocks(primitivesIn(namespace), options);
}
