/** A timer that is or was set. */
export type Timer = ReturnType<typeof setTimeout>;

/** Clears a timer, if there is one. The check is needed because the runtimes' types for `clearTimeout` differ. */
export function clearTimer(timer: Timer | undefined): void {
  if (timer !== undefined) clearTimeout(timer);
}

/** The outcome of work whose time ran out. */
export const TIMED_OUT = Symbol("timed out");

/**
 * Awaits `work` for at most `within` ms, or until `signal` fires, which rejects with its reason.
 *
 * If it stops waiting, the work goes on, but its outcome is ignored. No timer or listener stays behind.
 */
export async function timeBox<T>(
  work: PromiseLike<T>,
  within: number,
  signal: AbortSignal | undefined,
): Promise<T | typeof TIMED_OUT> {
  const { promise: ended, resolve, reject } = Promise.withResolvers<T | typeof TIMED_OUT>();
  const onAbort = () => reject(signal?.reason);
  const timer =
    within === Number.POSITIVE_INFINITY ? undefined : setTimeout(() => resolve(TIMED_OUT), Math.max(0, within));
  if (signal?.aborted) onAbort();
  else signal?.addEventListener("abort", onAbort);
  try {
    // An instrumented stub may return something else than a promise.
    Promise.resolve(work).then(resolve, reject);
    return await ended;
  } finally {
    clearTimer(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}

/** Sleeps, or rejects with the reason of `signal` as soon as that fires. */
export async function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await timeBox(new Promise<never>(() => {}), ms, signal);
}
