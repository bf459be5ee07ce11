import { createHash } from "node:crypto";
import { current } from "./participant.ts";

/** A timer as Node's callers expect it. */
interface Handle {
  id: number;
  clear: () => void;
}

const real = {
  setTimeout,
  clearTimeout,
  random: Math.random,
  now: Date.now,
  stopwatch: performance.now.bind(performance),
};

/** Gives the code of participants their own time, timers and chance; all other code keeps the real ones. */
export function replaceGlobals(): void {
  const setTimer = (run: () => void, ms?: number): unknown => {
    const participant = current();
    if (!participant) return real.setTimeout(run, ms);
    const id = participant.setTimer(run, ms);
    return { id, clear: () => participant.clearTimer(id) } satisfies Handle;
  };
  const clearTimer = (timer: unknown) => {
    if (timer && typeof timer === "object" && "clear" in timer) (timer as Handle).clear();
    else real.clearTimeout(timer as ReturnType<typeof setTimeout>);
  };
  Object.assign(globalThis, { setTimeout: setTimer, clearTimeout: clearTimer });
  Date.now = () => current()?.wall ?? real.now();
  performance.now = () => current()?.stopwatch ?? real.stopwatch();
  Math.random = () => current()?.random.next() ?? real.random();
  Object.defineProperty(crypto, "randomUUID", { value: randomId });
  // The real function answers from another thread, at an instant that the simulation does not control.
  Object.defineProperty(crypto.subtle, "digest", {
    value: async (_algorithm: string, data: Uint8Array) => createHash("sha256").update(data).digest(),
  });
}

function randomId(): string {
  const random = current()?.random;
  const digits = () =>
    Math.floor((random?.next() ?? real.random()) * 2 ** 32)
      .toString(16)
      .padStart(8, "0");
  return `${current()?.name ?? "nobody"}-${digits()}${digits()}`;
}
