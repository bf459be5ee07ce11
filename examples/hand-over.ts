import { type DurableLock, useDurableLock } from "durable-locks";

/** What the Worker that takes the lock sends to the Worker that continues under it. */
export interface Handover {
  id: string;
  lease: number;
}

/** Takes the lock for long enough to be picked up, and sends the lease on, for example in a queue message. */
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

/** Continues under the lease of the message. Throws LEASE_LOST if the message arrived too late. */
export async function finish(
  locks: DurableObjectNamespace<DurableLock>,
  { id, lease }: Handover,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  await using held = await useDurableLock(locks, id).resume(lease);
  await work(held.signal);
}
