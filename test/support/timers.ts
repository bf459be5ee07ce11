type Handle = Parameters<typeof clearTimeout>[0];

/** Counts the pending timers of this isolate, both the client's and the objects'. */
export function countTimers(): { pending: ReadonlySet<unknown>; restore: () => void } {
  const pending = new Set<unknown>();
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  // Replace them by hand: a spy would remember each of thousands of calls.
  globalThis.setTimeout = ((run: () => void, ms?: number) => {
    const timer: unknown = set(() => {
      pending.delete(timer);
      run();
    }, ms);
    pending.add(timer);
    return timer;
  }) as typeof setTimeout;
  globalThis.clearTimeout = ((timer: Handle) => {
    pending.delete(timer);
    clear(timer);
  }) as typeof clearTimeout;
  return { pending, restore: () => void Object.assign(globalThis, { setTimeout: set, clearTimeout: clear }) };
}
