/** No caller in line is away for longer, in milliseconds, unless many are in line: an object that restarts waits for it. */
const LONGEST = 1_000;
/** The bound of the first delay, in milliseconds. */
const FIRST = 50;
/** For each caller in line, in milliseconds: together they make fewer than 1,000 calls a second. */
const PER_CALLER = 1.5;
/** How long to leave alone what is overloaded: at first, and at most, in milliseconds. */
const OVERLOADED_FIRST = 1_000;
const OVERLOADED_LONGEST = 5_000;

/**
 * The delay before a caller in line asks again after a fault, in milliseconds.
 *
 * All callers lose their connection in the same instant when the object dies, so the first delay is anything up to the
 * bound. After that they are spread already, and more jitter would only make them ask more often.
 *
 * @param attempt - 1 for the first fault in a row
 * @param inLine - how many callers were in line when this one was last told
 * @param chance - from 0 to 1
 */
export function lineDelay(attempt: number, inLine: number, chance: number): number {
  const spread = inLine * PER_CALLER;
  const bound = Math.max(spread, Math.min(LONGEST, FIRST * 2 ** (attempt - 1)));
  if (attempt === 1) return chance * bound;
  // Those who are many go round in step: any other delay would let some of them meet.
  return spread > LONGEST ? spread : upperHalf(bound, chance);
}

/** The same after a fault that says that there is too much to do. */
export function overloadDelay(attempt: number, inLine: number, chance: number): number {
  const bound = Math.min(OVERLOADED_LONGEST, OVERLOADED_FIRST * 2 ** (attempt - 1));
  return Math.max(lineDelay(attempt, inLine, chance), upperHalf(bound, chance));
}

function upperHalf(bound: number, chance: number): number {
  return (0.5 + chance / 2) * bound;
}
