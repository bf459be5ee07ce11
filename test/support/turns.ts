/** How many turns of the microtask queue a sweep goes through: more than any call here takes to be handed on. */
const MOST = 60;

/** Runs `fn` after so many turns of the microtask queue. */
export function afterTurns(turns: number, fn: () => void): void {
  if (turns === 0) fn();
  else queueMicrotask(() => afterTurns(turns - 1, fn));
}

/** What comes of two things that come so many turns apart, for each number of turns. */
export async function sweepTurns<T>(play: (turns: number) => Promise<T>): Promise<T[]> {
  const outcomes: T[] = [];
  for (let turns = 0; turns < MOST; turns += 1) outcomes.push(await play(turns));
  return outcomes;
}

/**
 * Whether an abort gave a call up: true also if the answer came first.
 *
 * False, then, if the call was answered although its signal had fired before: so it is for the one turn in which the
 * answer is handed over.
 */
export async function isHeard(call: Promise<unknown>, signal: AbortSignal, reason: unknown): Promise<boolean> {
  return call.then(
    () => !signal.aborted,
    (error: unknown) => error === reason,
  );
}
