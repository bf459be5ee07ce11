import { type Locks, isLockError } from "durable-locks/client";

/**
 * Sends a mail over one of five connections.
 *
 * A Worker passes `bindLocks(env.DURABLE_LOCK)`. A script passes `connectLocks({ url, token })`. Both use the same five
 * connections if the Worker is bound to the class of the lock service.
 */
export function sendMail<T>({ semaphore }: Locks, send: (signal: AbortSignal) => Promise<T>): Promise<T> {
  return semaphore("smtp", { permits: 5 }).withLock(({ signal }) => send(signal), { wait: 60_000 });
}

/** Changes the template of all mails while no mail is sent; false if mails were still being sent after `wait` ms. */
export async function changeTemplate({ lock }: Locks, change: () => Promise<void>, wait = 10_000): Promise<boolean> {
  try {
    // A plain lock of the semaphore's id is exclusive: it waits for all five connections.
    await lock("smtp").withLock(change, { wait });
    return true;
  } catch (error) {
    if (isLockError(error, "LOCK_TIMEOUT")) return false;
    throw error;
  }
}
