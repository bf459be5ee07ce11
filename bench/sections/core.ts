import type { Figure } from "../harness/figure.ts";
import type { Lab } from "../harness/lab.ts";
import { figuresOf, interleave } from "../harness/rounds.ts";
import type { Source } from "../harness/source.ts";
import { coreOf } from "../work/core.ts";
import { amongHolders, amongWaiters, fillWithHolders, fillWithWaiters, letReadersIn } from "../work/core-operations.ts";
import type { Section } from "./section.ts";
import { named, perOperation, sizesOf, suffixOf } from "./sizes.ts";

const READERS = 9_999;

async function measured(lab: Lab, source: Source): Promise<Figure[]> {
  const create = await coreOf(source);
  const suffix = suffixOf(lab, source);
  const heading = { section: "core", storage: "none", metric: "µs" } as const;
  const holders = sizesOf(lab).map((size) => {
    const core = create();
    const leases = fillWithHolders(core, size);
    return { contestant: named(size), measure: async () => amongHolders(core, leases) };
  });
  const waiters = sizesOf(lab).map((size) => {
    const core = create();
    fillWithWaiters(core, size);
    return { contestant: named(size), measure: async () => amongWaiters(core) };
  });
  const readers = [{ contestant: "the core", measure: async () => letReadersIn(create(), READERS) }];
  // A core that takes seconds for it gives no steadier figure in eight rounds than in one.
  const { ms = 0 } = letReadersIn(create(), READERS);
  const letIn = await interleave(readers, ms > 500 ? 1 : lab.rounds);
  return [
    ...perOperation(await interleave(holders, lab.rounds * 2), heading, `holders${suffix}`),
    ...perOperation(await interleave(waiters, lab.rounds * 2), heading, `waiters${suffix}`),
    ...figuresOf(letIn, {
      ...heading,
      work: `${named(READERS)} readers let in together${suffix}`,
      metric: "ms",
      better: "less",
      from: "ms",
    }),
  ];
}

export const core: Section = {
  name: "core",
  about: "The pure core with few and with many holders or waiters: a cost that stays flat has a ratio of 1",
  async measure(lab) {
    const figures: Figure[] = [];
    for (const source of lab.sources) figures.push(...(await measured(lab, source)));
    return figures;
  },
};
