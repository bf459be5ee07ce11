import type { Contestant, Held } from "../contestants/contestant.ts";
import type { Order, Sample } from "./order.ts";

/** So few operations are run even if each takes longer than the time for all. */
const FEWEST = 5;

/** Repeats an operation for `box` ms: the mean time of one. A Worker's clock counts whole ms, so none is timed alone. */
export async function repeat(box: number, operation: (n: number) => Promise<unknown>): Promise<Sample> {
  const since = performance.now();
  let count = 0;
  let elapsed = 0;
  while (elapsed < box || count < FEWEST) {
    await operation(count);
    count += 1;
    elapsed = performance.now() - since;
  }
  return { ms: elapsed / count };
}

async function taken(contestant: Contestant, id: string): Promise<Held> {
  const held = await contestant.tryOnce(id);
  if (!held) throw new Error(`The lock ${id} is taken, but nobody else uses it.`);
  return held;
}

const pairOn = async (contestant: Contestant, id: string) => (await taken(contestant, id)).release();

/** Acquire and release, with nobody else there. */
export async function pair(contestant: Contestant, { id, box }: Order): Promise<Sample> {
  // A lock that was never used costs more: it is measured as "ids".
  await pairOn(contestant, id);
  return repeat(box, () => pairOn(contestant, id));
}

/** Acquire and release, each time on an id that was never used. */
export async function ids(contestant: Contestant, { id, box }: Order): Promise<Sample> {
  return repeat(box, (n) => pairOn(contestant, `${id}-${n}`));
}

/** A critical section that does nothing. An empty sample if the contestant has no such call. */
export async function withLock(contestant: Contestant, { id, box }: Order): Promise<Sample> {
  await pairOn(contestant, id);
  return contestant.withLock ? repeat(box, async () => contestant.withLock?.(id, async () => {})) : {};
}

/** A try on a lock that somebody else holds. */
export async function refused(contestant: Contestant, { id, box }: Order): Promise<Sample> {
  const held = await taken(contestant, id);
  let granted = false;
  const sample = await repeat(box, async () => {
    if (await contestant.tryOnce(id)) granted = true;
  });
  await held.release();
  // What grants a taken lock is no lock, such as the empty request that stands beside the contestants.
  return granted ? {} : sample;
}

/** A renewal of a lease that is held. An empty sample if the contestant's users can't renew by hand. */
export async function renew(contestant: Contestant, { id, box }: Order): Promise<Sample> {
  const held = await taken(contestant, id);
  const sample = held.renew ? await repeat(box, async () => held.renew?.()) : {};
  await held.release();
  return sample;
}
