import { type DurableLock, type HeldLease, type Lock, isLockError, useDurableLock } from "durable-locks";

/** A long job that makes way when it is asked to: after the present batch. Returns how many batches it got done. */
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
  // After an expiry nobody gets in for 5 s: time enough for a last write of a paused holder to arrive.
  return useDurableLock(locks, id).withLock(work, { releaseOnExit: true, lockDelay: 5_000, onReleaseRequested });
}

/** Takes the lock for maintenance: asks the holders to make way, and after `patience` ms takes it away. */
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
    // In line before anybody is asked: a caller that is granted after that is not asked.
    const inLine = lock.hold(options);
    lock.requestRelease().catch((error: unknown) => console.error("nobody could be asked", error));
    return await inLine;
  } catch (error) {
    if (!isLockError(error, "LOCK_TIMEOUT")) throw error;
  }
  await lock.forceRelease();
  return await lock.hold(options);
}
