import type { Group, Step, Test } from "./stand-in.ts";

/** How many concurrent tests run at once, as in the real suite. */
const AT_ONCE = 8;

/** The groups that have begun, each with the promise of its `before` steps. */
type Begun = Map<Group, Promise<void>>;

const isConcurrent = (test: Test | undefined) => test?.groups.at(-1)?.isConcurrent;

export interface Failure {
  test: Test;
  error: unknown;
}

/** Plays tests until one fails. */
export async function firstFailure(played: readonly Test[]): Promise<Failure | undefined> {
  const left = [...played];
  const begun: Begun = new Map();
  const failed: Failure[] = [];
  const playNext = async (): Promise<void> => {
    const test = left.shift() as Test;
    await play(test, begun).catch((error: unknown) => failed.push({ test, error }));
  };
  const playConcurrent = async (): Promise<void> => {
    while (failed.length === 0 && isConcurrent(left[0])) await playNext();
  };
  while (failed.length === 0 && left.length > 0)
    await (isConcurrent(left[0]) ? Promise.all(Array.from({ length: AT_ONCE }, playConcurrent)) : playNext());
  for (const { after } of begun.keys()) await all(after);
  return failed[0];
}

// The runtime's own timers: a test may replace the global ones.
const { setTimeout, clearTimeout } = globalThis;

async function inTime(body: Step, timeout: number): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("It takes too long.")), timeout);
  await Promise.race([body(), promise]).finally(() => clearTimeout(timer));
}

async function play({ groups: around, body, timeout }: Test, begun: Begun): Promise<void> {
  for (const group of around) {
    if (!begun.has(group)) begun.set(group, all(group.before));
    await begun.get(group);
    await all(group.beforeEach);
  }
  try {
    await inTime(body, timeout);
  } finally {
    for (const { afterEach: steps } of around.toReversed()) await all(steps);
  }
}

async function all(steps: Step[]): Promise<void> {
  for (const step of steps) await step();
}
