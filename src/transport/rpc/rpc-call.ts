import { timeBox } from "../time-box.ts";
import { checkAnswered } from "../version-mismatch.ts";

/**
 * Awaits a call over RPC until `signal` fires, and throws if an object of another version has answered. After the abort
 * it ignores the answer and disposes of it: RPC can't pass an abort on, and an answer that is not disposed of keeps the
 * object in memory.
 */
export async function heard<P extends PromiseLike<unknown>>(
  pending: P,
  signal: AbortSignal | undefined,
): Promise<Awaited<P>> {
  try {
    const answered = signal ? timeBox(pending, Number.POSITIVE_INFINITY, signal) : pending;
    const reply = (await answered) as Awaited<P>;
    checkAnswered(reply);
    return reply;
  } catch (error) {
    if (signal?.aborted) abandon(pending);
    throw error;
  }
}

function abandon(pending: PromiseLike<unknown>): void {
  // The runtime's promise is disposable like its answer, but an instrumented stub may return an ordinary promise.
  const { [Symbol.dispose]: dispose } = pending as Partial<Disposable>;
  if (typeof dispose === "function") dispose.call(pending);
  else
    pending.then(
      (answer) => (answer as Partial<Disposable> | undefined)?.[Symbol.dispose]?.(),
      () => {},
    );
}
