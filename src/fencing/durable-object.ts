import { checkLease, checkText, invalid } from "../core/checks.ts";
import { sqlOf } from "../core/no-sqlite.ts";
import { StaleLeaseError } from "../errors.ts";

/**
 * Runs `write` on a Durable Object's own storage, unless a newer lease has written `resource` before.
 *
 * The check, the new fence and what `write` does are one transaction. If the lease is stale or `write` throws, nothing
 * happens. A lease may write any number of times until a newer one has written.
 *
 * @param storage - `ctx.storage` of an object with SQLite storage
 * @param resource - what the fence protects, such as the lock's id: 1 to 512 bytes
 * @param lease - the lease number under which the caller writes
 * @param write - synchronous: SQL and the synchronous key-value API
 * @throws `STALE_LEASE`, `INVALID_ARGUMENT`, and what `write` throws
 * @example
 * ```ts
 * fenceStorage(this.ctx.storage, "balance", lease, () => this.ctx.storage.kv.put("balance", balance));
 * ```
 */
export function fenceStorage<T>(storage: DurableObjectStorage, resource: string, lease: number, write: () => T): T {
  checkText(resource, "resource");
  checkLease(lease);
  // Refuse it before it runs: its first part could be undone, but the rest would write later, past the fence.
  if (Object.prototype.toString.call(write) === "[object AsyncFunction]") throw notSynchronous();
  const key = `durable-locks:fence:${resource}`;
  return storage.transactionSync(() => {
    const newest = newestOf(storage, key);
    if (lease < newest) throw new StaleLeaseError(resource, lease, newest);
    // Storing the same number again would write a row for nothing.
    if (lease > newest) storage.kv.put(key, lease);
    const value = write();
    if (isThenable(value)) {
      // Handle its rejection, which would otherwise be unhandled.
      void Promise.resolve(value).catch(() => {});
      throw notSynchronous();
    }
    return value;
  });
}

function newestOf(storage: DurableObjectStorage, key: string): number {
  try {
    return storage.kv.get<number>(key) ?? 0;
  } catch (error) {
    // Check this only after a failure: it throws if the storage has no SQLite.
    sqlOf(storage);
    throw error;
  }
}

function notSynchronous(): Error {
  return invalid(
    "write",
    "write must be synchronous: what it did later would not be fenced. Await first, and then write.",
  );
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
