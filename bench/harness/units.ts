import { orderOf } from "../work/order.ts";
import type { StorageName } from "./figure.ts";
import type { Lab } from "./lab.ts";
import type { Entry } from "./rounds.ts";

export const EMPTY_CALL = "an empty RPC";
const ROW_WRITE = "a durable one-row write over RPC";

/** The units of a section, measured in each of its rounds. */
export async function units(lab: Lab, storage: StorageName, box: number): Promise<Entry[]> {
  const workerd = await lab.workerd(storage);
  return [
    { contestant: EMPTY_CALL, measure: () => workerd.perform("unit", orderOf("empty", { box })) },
    { contestant: ROW_WRITE, measure: () => workerd.perform("unit", orderOf("write", { box })) },
  ];
}
