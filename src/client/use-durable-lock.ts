import type { DurableLock } from "../object/durable-lock.ts";
import { createLock } from "./create-lock.ts";
import type { Lock } from "./lock.ts";
import { checkId } from "./options.ts";
import { rpcPrimitives } from "./rpc-primitives.ts";

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
export function useDurableLock(namespace: DurableObjectNamespace<DurableLock>, id: string): Lock {
  return createLock(rpcPrimitives(namespace, checkId(id)));
}
