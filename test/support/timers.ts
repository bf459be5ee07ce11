type Handle = Parameters<typeof clearTimeout>[0];

/** Counts the timers of this isolate, the client's and the objects', that are set and neither cleared nor fired. */
export function countTimers(): { pending: ReadonlySet<unknown>; restore: () => void } {
  const pending = new Set<unknown>();
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  // By hand: a spy would remember every call of thousands.
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
