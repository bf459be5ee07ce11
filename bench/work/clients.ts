import type { Contestant } from "../contestants/contestant.ts";
import type { Order, Sample } from "./order.ts";

/** Clients that acquire and release without a pause, each its own lock: how many requests a second they get answered. */
export async function clients(contestant: Contestant, { callers, box }: Order): Promise<Sample> {
  const end = performance.now() + box;
  let requests = 0;
  const client = async (n: number) => {
    // The ids are the same in each round: new ones would measure how fast objects are created.
    do {
      const held = await contestant.tryOnce(`client-${n}`);
      await held?.release();
      requests += 2;
    } while (performance.now() < end);
  };
  const since = performance.now();
  await Promise.all(Array.from({ length: callers }, (_, n) => client(n)));
  return { perSecond: (requests / (performance.now() - since)) * 1_000 };
}
