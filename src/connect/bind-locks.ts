import { checkId, checkOptions } from "../core/checks.ts";
import { createLock } from "../toolkit/create-lock.ts";
import { createReadWriteLock } from "../toolkit/read-write-lock.ts";
import { createSemaphore } from "../toolkit/semaphore.ts";
import { createWebLocks } from "../toolkit/web-locks/create-web-locks.ts";
import type { LockPrimitives } from "../transport/primitives.ts";
import { type LockNamespace, checkNamespace } from "../transport/rpc/namespace.ts";
import { type PlacementOptions, placed } from "../transport/rpc/placement.ts";
import { rpcPrimitives } from "../transport/rpc/rpc-primitives.ts";
import type { Locks } from "./locks.ts";

/**
 * The locks of a binding, in a Worker: the same interface as `connectLocks` gives over HTTP.
 *
 * Makes no request and holds nothing, so you can call it at module level. The same id in the same namespace is the same
 * lock everywhere. Each jurisdiction is a separate namespace, so the same id there is another lock.
 *
 * @param namespace - the binding of the `DurableLock` class
 * @param options - where to place objects: `jurisdiction` and `locationHint`
 * @throws `INVALID_ARGUMENT` if `namespace` is not a binding, or the platform does not know the jurisdiction.
 * @example
 * ```ts
 * const { lock, semaphore } = bindLocks(env.DURABLE_LOCK);
 * await lock(`account:${accountId}`).withLock(() => transfer(accountId, amount));
 * await semaphore("smtp", { permits: 5 }).withLock(() => send(mail));
 * ```
 */
export function bindLocks(namespace: LockNamespace, options?: PlacementOptions): Locks {
  const primitivesOf = primitivesIn(namespace, options);
  return {
    lock: (id) => createLock(primitivesOf(id)),
    semaphore: (id, given) => createSemaphore(primitivesOf(id), given),
    readWriteLock: (id) => createReadWriteLock(primitivesOf(id)),
    webLocks: (given) => createWebLocks(primitivesOf, given),
  };
}

/** What `bindLocks` and its short forms stand on. A bundle of a short form has no other kind of lock in it. */
export function primitivesIn(namespace: LockNamespace, options?: PlacementOptions): (id: string) => LockPrimitives {
  const placement = checkOptions(options, ["jurisdiction", "locationHint"]);
  const objects = placed(checkNamespace(namespace, "DurableLock"), placement);
  return (id) => rpcPrimitives(objects, checkId(id));
}
