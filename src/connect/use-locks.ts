import { checkId } from "../core/checks.ts";
import { createLock } from "../toolkit/create-lock.ts";
import type { Lock } from "../toolkit/lock.ts";
import { type ReadWriteLock, createReadWriteLock } from "../toolkit/read-write-lock.ts";
import { type Semaphore, type SemaphoreOptions, createSemaphore } from "../toolkit/semaphore.ts";
import { type WebLocksOptions, createWebLocks } from "../toolkit/web-locks/create-web-locks.ts";
import type { WebLockManager } from "../toolkit/web-locks/web-lock-manager.ts";
import { type LockNamespace, checkNamespace } from "../transport/rpc/namespace.ts";
import { rpcPrimitives } from "../transport/rpc/rpc-primitives.ts";

/**
 * The lock of the given id, whose object lives in the given namespace.
 *
 * Makes no request and holds nothing: it is cheap, and its functions can be destructured. The same id in the same
 * namespace is the same lock everywhere; a jurisdiction is another namespace, so the same id there is another lock.
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
  return createLock(rpcPrimitives(namespace, checkId(id)));
}

/**
 * A semaphore: up to `permits` permits of the id are held at a time, in the order in which they were asked for.
 *
 * Each holder has a lease of its own, renewed and lost like that of any lock. The limit is the caller's: each request is
 * judged by the limit that it brings, against all permits in use. So if two callers disagree, the one with the lower
 * limit waits until enough is free by its own count; `status()` shows the `capacity` that each goes by.
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
  return createSemaphore(rpcPrimitives(namespace, checkId(id)), options);
}

/**
 * A read-write lock: many readers or one writer, first come, first served.
 *
 * A writer that waits lets no later reader past it, so writers don't starve; readers that stand in line one after
 * another come in together. `read` and `write` are full locks: every option and combinator works on both.
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
  return createReadWriteLock(rpcPrimitives(namespace, checkId(id)));
}

/**
 * The Web Locks API over Durable Objects: what `navigator.locks` is to the tabs of one browser, for all Workers.
 *
 * A name is a lock id, so `useDurableLock` with it is the same lock. A lock is held under a lease that renews itself
 * (`ttl`, 30 s), so it can be lost, by `steal` or otherwise: then its `signal` fires and the request rejects with an
 * `AbortError`, whose `cause` is the `LeaseLostError`, while the callback may go on. With `bound` a lock ends with the
 * execution context that holds it, as it does with a browser's tab; see `HoldOptions`. `docs/web-locks.md` lists
 * everything that differs from a browser.
 *
 * @param namespace - the binding of the `DurableLock` class
 * @param options - how locks are held: `ttl`, `maxHold`, `bound` and `owner`, which is the manager's `clientId`
 * @throws `INVALID_ARGUMENT`
 * @example
 * ```ts
 * const locks = webLocks(env.DURABLE_LOCK);
 * await locks.request("sync", { mode: "shared" }, async () => await sync());
 * ```
 */
export function webLocks(namespace: LockNamespace, options?: WebLocksOptions): WebLockManager {
  checkNamespace(namespace, "DurableLock");
  return createWebLocks((name) => rpcPrimitives(namespace, name), options);
}
