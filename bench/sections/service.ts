import type { Figure } from "../harness/figure.ts";
import type { Lab } from "../harness/lab.ts";
import { type Performer, TOKEN, emptyPostUrl, lockService, overHttp, processPerformer } from "../harness/performers.ts";
import { type Entry, figuresOf, interleave } from "../harness/rounds.ts";
import { orderOf } from "../work/order.ts";
import { named } from "./sizes.ts";
import type { Section } from "./section.ts";

const STORAGE = "RAM disk";
const CLIENTS = [1, 50, 500];
const EMPTY = "a Hono handler that makes one empty RPC";

/** The services to ask, by name. */
async function servers(lab: Lab): Promise<Map<string, string>> {
  const found = new Map([[EMPTY, await emptyPostUrl(lab)]]);
  for (const source of lab.sources) found.set(overHttp(source), await lockService(lab, source, STORAGE));
  return found;
}

async function measured(lab: Lab, entriesOf: (callers: number) => Entry[], callers: number): Promise<Figure[]> {
  return figuresOf(await interleave(entriesOf(callers), lab.rounds), {
    section: "service",
    work: `${named(callers)} ${callers === 1 ? "client" : "clients"}`,
    storage: STORAGE,
    metric: "requests per second",
    better: "more",
    from: "perSecond",
    unit: { contestant: EMPTY, from: "perSecond" },
  });
}

export const service: Section = {
  name: "service",
  about: "The lock service over HTTP, as a share of what Hono itself can do",
  async measure(lab) {
    const performers: Performer[] = [];
    for (const [name, url] of await servers(lab))
      performers.push(await processPerformer(lab, name, { kind: "posts", url, token: TOKEN }));
    const box = lab.full ? 1_000 : 300;
    const entriesOf = (callers: number) =>
      performers.map(({ name, perform }): Entry => ({
        contestant: name,
        measure: () => perform(orderOf("clients", { callers, box })),
      }));
    const figures: Figure[] = [];
    for (const callers of CLIENTS) figures.push(...(await measured(lab, entriesOf, callers)));
    return figures;
  },
};
