import type { DurableLock } from "../object/durable-lock.ts";
import { type WebLocksOptions, createWebLocks } from "./create-web-locks.ts";
import { checkNamespace } from "./options.ts";
import { rpcPrimitives } from "./rpc-primitives.ts";
import type { WebLockManager } from "./web-lock-manager.ts";

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
export function webLocks(namespace: DurableObjectNamespace<DurableLock>, options?: WebLocksOptions): WebLockManager {
  checkNamespace(namespace, "DurableLock");
  return createWebLocks((name) => rpcPrimitives(namespace, name), options);
}
