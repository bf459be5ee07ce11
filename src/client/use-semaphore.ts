import type { DurableLock } from "../object/durable-lock.ts";
import { type Semaphore, type SemaphoreOptions, createSemaphore } from "./create-semaphore.ts";
import { checkId } from "./options.ts";
import { rpcPrimitives } from "./rpc-primitives.ts";

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
export function useSemaphore(
  namespace: DurableObjectNamespace<DurableLock>,
  id: string,
  options: SemaphoreOptions,
): Semaphore {
  return createSemaphore(rpcPrimitives(namespace, checkId(id)), options);
}
