import { type DurableLock, isLockError, useSemaphore } from "durable-locks";

/** Lets at most ten calls at a time through to an API, and answers 503 to a call that would wait too long. */
export async function callApi(
  locks: DurableObjectNamespace<DurableLock>,
  call: () => Promise<Response>,
): Promise<Response> {
  try {
    return await useSemaphore(locks, "api", { permits: 10 }).withLock(call, { wait: 2_000 });
  } catch (error) {
    if (!isLockError(error, "LOCK_TIMEOUT")) throw error;
    const seconds = Math.ceil((error.retryAfter ?? 1_000) / 1_000);
    return new Response("busy", { status: 503, headers: { "Retry-After": String(seconds) } });
  }
}

/** A backup takes all ten permits, so it waits until no call is running. Calls that come after it wait for it. */
export async function callAlone<T>(locks: DurableObjectNamespace<DurableLock>, backUp: () => Promise<T>): Promise<T> {
  return useSemaphore(locks, "api", { permits: 10 }).withPermits(10, backUp, { wait: 60_000 });
}
