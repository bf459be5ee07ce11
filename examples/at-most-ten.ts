import { type DurableLock, isLockError, useDurableLock } from "durable-locks";

const TEN = { permits: 1, capacity: 10 };

/** Lets ten calls at a time through to an API that takes no more, and sheds the load that would wait too long. */
export async function callApi(
  locks: DurableObjectNamespace<DurableLock>,
  call: () => Promise<Response>,
): Promise<Response> {
  try {
    return await useDurableLock(locks, "api").withLock(call, { ...TEN, wait: 2_000 });
  } catch (error) {
    if (!isLockError(error, "LOCK_TIMEOUT")) throw error;
    const seconds = Math.ceil((error.retryAfter ?? 1_000) / 1_000);
    return new Response("busy", { status: 503, headers: { "Retry-After": String(seconds) } });
  }
}
