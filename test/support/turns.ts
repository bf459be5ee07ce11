/** How many turns of the microtask queue a sweep covers: more than any call here takes. */
const MOST = 60;

/** Runs `fn` after `turns` turns of the microtask queue. */
export function afterTurns(turns: number, fn: () => void): void {
  if (turns === 0) fn();
  else queueMicrotask(() => afterTurns(turns - 1, fn));
}

/** The outcomes of two events, for each number of microtask turns between them. */
export async function sweepTurns<T>(play: (turns: number) => Promise<T>): Promise<T[]> {
  const outcomes: T[] = [];
  for (let turns = 0; turns < MOST; turns += 1) outcomes.push(await play(turns));
  return outcomes;
}

/**
 * Whether the call respected its signal: it was rejected with `reason`, or it was answered before the signal fired.
 *
 * False if the call was answered although its signal had already fired. That happens in the one turn in which the
 * answer is handed over.
 */
export async function isHeard(call: Promise<unknown>, signal: AbortSignal, reason: unknown): Promise<boolean> {
  return call.then(
    () => !signal.aborted,
    (error: unknown) => error === reason,
  );
}
