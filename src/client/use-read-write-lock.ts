import type { DurableLock } from "../object/durable-lock.ts";
import { type ReadWriteLock, createReadWriteLock } from "./create-read-write-lock.ts";
import { checkId } from "./options.ts";
import { rpcPrimitives } from "./rpc-primitives.ts";

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
export function useReadWriteLock(namespace: DurableObjectNamespace<DurableLock>, id: string): ReadWriteLock {
  return createReadWriteLock(rpcPrimitives(namespace, checkId(id)));
}
