import { type DurableLock, useDurableLock } from "durable-locks";

/** What travels from the Worker that takes the lock to the one that goes on under it. */
export interface Handover {
  id: string;
  lease: number;
}

/** Takes the lock for long enough to be picked up, and passes the lease on, as in a queue message. */
export async function start(
  locks: DurableObjectNamespace<DurableLock>,
  id: string,
  send: (message: Handover) => Promise<void>,
): Promise<boolean> {
  const { acquire, release } = useDurableLock(locks, id);
  const result = await acquire(60_000);
  if (!result.success) return false;
  try {
    await send({ id, lease: result.lease });
    return true;
  } catch (error) {
    await release(result.lease);
    throw error;
  }
}

/** Goes on under the lease that came along; throws LEASE_LOST if it took too long to get here. */
export async function finish(
  locks: DurableObjectNamespace<DurableLock>,
  { id, lease }: Handover,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  await using held = await useDurableLock(locks, id).resume(lease);
  await work(held.signal);
}
