import type { Contestant } from "../contestants/contestant.ts";
import { clients } from "./clients.ts";
import { crowd } from "./crowd.ts";
import type { Order, Sample, WorkName } from "./order.ts";
import { ids, pair, refused, renew, withLock } from "./single.ts";

type Work = (contestant: Contestant, order: Order) => Promise<Sample>;

const WORKS: Partial<Record<WorkName, Work>> = {
  pair,
  withLock,
  refused,
  renew,
  ids,
  once: crowd,
  returning: crowd,
  clients,
};

/** Does what the order says, wherever the contestant runs. */
export async function perform(contestant: Contestant, order: Order): Promise<Sample> {
  const work = WORKS[order.work];
  if (!work) throw new Error(`No contestant does the work "${order.work}".`);
  return work(contestant, order);
}
