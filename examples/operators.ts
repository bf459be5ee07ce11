import { type DurableLock, type HeldLease, type Lock, isLockError, useDurableLock } from "durable-locks";

/** A long job that stops after the current batch if it is asked to release. Returns the number of batches it did. */
export function importBatches<B>(
  locks: DurableObjectNamespace<DurableLock>,
  id: string,
  batches: B[],
  store: (batch: B, lease: number) => Promise<void>,
): Promise<number> {
  let asked = false;
  const work = async ({ lease, signal }: HeldLease) => {
    let done = 0;
    for (const batch of batches) {
      if (asked) break;
      signal.throwIfAborted();
      await store(batch, lease);
      done += 1;
    }
    return done;
  };
  const onReleaseRequested = () => {
    asked = true;
  };
  // If the lease expires, the lock stays closed for 5 s, so that a last write of a paused holder can arrive.
  return useDurableLock(locks, id).withLock(work, { releaseOnExit: true, lockDelay: 5_000, onReleaseRequested });
}

/** Takes the lock for maintenance: asks the holders to release, and takes the lock from them after `patience` ms. */
export async function maintain<T>(
  locks: DurableObjectNamespace<DurableLock>,
  id: string,
  work: (held: HeldLease) => Promise<T>,
  patience = 60_000,
): Promise<T> {
  await using held = await takeOver(useDurableLock(locks, id), patience);
  return await work(held);
}

async function takeOver(lock: Lock, patience: number): Promise<HeldLease> {
  const options = { owner: "maintenance", wait: patience };
  try {
    // Join the queue before you ask: a caller that is granted the lock later is not asked.
    const inLine = lock.hold(options);
    lock.requestRelease().catch((error: unknown) => console.error("the holders could not be asked", error));
    return await inLine;
  } catch (error) {
    if (!isLockError(error, "LOCK_TIMEOUT")) throw error;
  }
  await lock.forceRelease();
  return await lock.hold(options);
}
