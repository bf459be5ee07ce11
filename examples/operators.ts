import { type DurableLock, isLockError, useDurableLock } from "durable-locks";

/** A long job that steps aside between two of its batches when it is asked to. */
export async function reindex(
  locks: DurableObjectNamespace<DurableLock>,
  id: string,
  nextBatch: () => Promise<boolean>,
): Promise<"done" | "stepped aside"> {
  const asked = new AbortController();
  return useDurableLock(locks, id).withLock(
    async ({ signal }) => {
      while (!asked.signal.aborted) {
        signal.throwIfAborted();
        if (!(await nextBatch())) return "done";
      }
      return "stepped aside";
    },
    // Bound, so that it hears of the request at once; and what died half-way is left alone for a while.
    { bound: true, lockDelay: 5_000, onReleaseRequested: () => asked.abort() },
  );
}

/** Maintenance: asks for the lock first, and takes it only from a holder that does not step aside. */
export async function maintain<T>(
  locks: DurableObjectNamespace<DurableLock>,
  id: string,
  patience: number,
  work: () => Promise<T>,
): Promise<T> {
  const lock = useDurableLock(locks, id);
  await lock.requestRelease();
  try {
    return await lock.withLock(work, { wait: patience });
  } catch (error) {
    if (!isLockError(error, "LOCK_TIMEOUT")) throw error;
    await lock.forceRelease();
    return lock.withLock(work);
  }
}
