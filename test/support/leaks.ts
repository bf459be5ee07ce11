import { afterEach, beforeEach } from "vitest";
import { countTimers } from "./timers.ts";

/** The timers and listeners in this isolate, of the client or the object, that have not ended yet. */
const leaks = { timers: new Set() as ReadonlySet<unknown>, listeners: 0 };

/** In each test of the file that calls this, counts what is left behind. */
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

/** A signal that counts its listeners. */
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
    // Code may also remove a listener that it never added.
    if (listening.delete(args[1])) leaks.listeners -= 1;
    remove(...args);
  };
  return { controller, signal };
}
