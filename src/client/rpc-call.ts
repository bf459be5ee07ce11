import { timeBox } from "./time-box.ts";
import { checkAnswered } from "./versions.ts";

/**
 * Awaits a call over RPC until `signal` fires, and throws if an object of another version has answered. From the abort on nobody listens to it, and what it still answers is disposed of:
 * an abort can't be sent along, and what nobody disposes of keeps the object in memory.
 */
export async function heard<P extends PromiseLike<unknown>>(
  pending: P,
  signal: AbortSignal | undefined,
): Promise<Awaited<P>> {
  try {
    const answered = signal ? timeBox(Promise.resolve(pending), Number.POSITIVE_INFINITY, signal) : pending;
    const reply = (await answered) as Awaited<P>;
    checkAnswered(reply);
    return reply;
  } catch (error) {
    if (signal?.aborted) abandon(pending);
    throw error;
  }
}

function abandon(pending: PromiseLike<unknown>): void {
  // The runtime's promise can be disposed of like its answer; an instrumented stub may hand out an ordinary one.
  const { [Symbol.dispose]: dispose } = pending as Partial<Disposable>;
  if (typeof dispose === "function") dispose.call(pending);
  else
    pending.then(
      (answer) => (answer as Partial<Disposable> | undefined)?.[Symbol.dispose]?.(),
      () => {},
    );
}
