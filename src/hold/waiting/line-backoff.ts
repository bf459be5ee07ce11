/**
 * The longest delay unless the queue is long, in milliseconds: a restarted object waits for its waiters to come back.
 */
const LONGEST = 1_000;

/** The bound of the first delay, in milliseconds. */
const FIRST = 50;

/** The delay per waiter in the queue, in milliseconds, so that all together make fewer than 1,000 calls a second. */
const PER_CALLER = 1.5;

/** How long to leave an overloaded object alone, at first and at most, in milliseconds. */
const OVERLOADED_FIRST = 1_000;
const OVERLOADED_LONGEST = 5_000;

/**
 * The delay before a waiter asks again after a fault, in milliseconds.
 *
 * When the object dies, all waiters lose their connection in the same instant, so the first delay is anything up to the
 * bound. After that they are spread out, and more jitter would only make them ask more often.
 *
 * @param attempt - 1 for the first fault in a row
 * @param inLine - the length of the queue, by the last answer that this waiter got
 * @param chance - a random number from 0 to 1
 */
export function lineDelay(attempt: number, inLine: number, chance: number): number {
  const spread = inLine * PER_CALLER;
  const bound = Math.max(spread, Math.min(LONGEST, FIRST * 2 ** (attempt - 1)));
  if (attempt === 1) return chance * bound;
  // In a long queue all waiters use the same delay, so that they stay as spread out as they are.
  return spread > LONGEST ? spread : upperHalf(bound, chance);
}

/** Like `lineDelay`, after a fault which says that the object or the platform is overloaded. */
export function overloadDelay(attempt: number, inLine: number, chance: number): number {
  const bound = Math.min(OVERLOADED_LONGEST, OVERLOADED_FIRST * 2 ** (attempt - 1));
  return Math.max(lineDelay(attempt, inLine, chance), upperHalf(bound, chance));
}

function upperHalf(bound: number, chance: number): number {
  return (0.5 + chance / 2) * bound;
}
