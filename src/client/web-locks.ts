import type { DurableLock } from "../object/durable-lock.ts";
import { type WebLocksOptions, createWebLocks } from "./create-web-locks.ts";
import { checkId, checkNamespace } from "./options.ts";
import { rpcPrimitives } from "./rpc-primitives.ts";
import type { WebLockManager } from "./web-lock-manager.ts";

/**
 * The Web Locks API over Durable Objects: what `navigator.locks` is to the tabs of one browser, for all Workers.
 *
 * Code written for `navigator.locks` runs unchanged. A name is a lock id, so `useDurableLock` with it is the same lock.
 * What differs, because here holders can be cut off: a lock is held under a lease that renews itself (`ttl`, 30 s), and
 * if it is lost, by `steal` or otherwise, the request rejects with an `AbortError`, whose `cause` is the
 * `LeaseLostError`, while the callback may run on; the lock has a `signal` that fires then, and its `lease` number. With
 * `bound` a lock ends with the execution context that holds it, as it does with a browser's tab; see `HoldOptions`.
 *
 * @param namespace - the binding of the `DurableLock` class
 * @throws `INVALID_ARGUMENT`
 * @example
 * ```ts
 * const locks = webLocks(env.DURABLE_LOCK);
 * await locks.request("sync", { mode: "shared" }, async () => await sync());
 * ```
 */
export function webLocks(namespace: DurableObjectNamespace<DurableLock>, options?: WebLocksOptions): WebLockManager {
  checkNamespace(namespace, "DurableLock");
  return createWebLocks((name) => rpcPrimitives(namespace, checkId(name)), options);
}
