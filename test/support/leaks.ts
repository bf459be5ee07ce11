import { afterEach, beforeEach } from "vitest";
import { countTimers } from "./timers.ts";

/** What is set or listened for in this isolate, by the client or the object, and has not ended yet. */
const leaks = { timers: new Set() as ReadonlySet<unknown>, listeners: 0 };

/** Counts, in each test of the file that calls this, what is left behind. */
export function countLeaks(): Readonly<typeof leaks> {
  let restore = () => {};
  beforeEach(() => {
    leaks.listeners = 0;
    const counted = countTimers();
    leaks.timers = counted.pending;
    restore = counted.restore;
  });
  afterEach(() => restore());
  return leaks;
}

/** A signal that counts who listens to it. */
export function countedSignal(): { controller: AbortController; signal: AbortSignal } {
  const controller = new AbortController();
  const { signal } = controller;
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
  const listening = new Set<unknown>();
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    if (!listening.has(args[1])) leaks.listeners += 1;
    listening.add(args[1]);
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    // What never listened may still be taken away.
    if (listening.delete(args[1])) leaks.listeners -= 1;
    remove(...args);
  };
  return { controller, signal };
}
