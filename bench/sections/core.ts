import type { Figure } from "../harness/figure.ts";
import type { Lab } from "../harness/lab.ts";
import { type Rounds, figuresOf, interleave } from "../harness/rounds.ts";
import type { Source } from "../harness/source.ts";
import { coreOf } from "../work/core.ts";
import { amongHolders, amongWaiters, fillWithHolders, fillWithWaiters, letReadersIn } from "../work/core-operations.ts";
import type { Section } from "./section.ts";

export const FEW = 10;
const MANY = 9_900;
const READERS = 9_999;

const sizesOf = (lab: Lab) => (lab.full ? [1, FEW, 100, 1_000, MANY] : [FEW, 1_000, MANY]);
export const named = (count: number) => count.toLocaleString("en");

/** A figure for each operation: the contestants are the sizes, and the smallest size is the unit. */
export function perOperation(
  rounds: Rounds,
  heading: Pick<Figure, "section" | "storage" | "metric">,
  of: string,
): Figure[] {
  const operations = Object.keys(rounds.values().next().value?.[0] ?? {});
  return operations.flatMap((operation) =>
    figuresOf(rounds, {
      ...heading,
      work: `${operation} among ${of}`,
      better: "less",
      from: operation,
      unit: { contestant: named(FEW), from: operation },
    }),
  );
}

async function measured(lab: Lab, source: Source): Promise<Figure[]> {
  const create = await coreOf(source);
  const suffix = source === lab.sources[0] ? "" : `, ${source.library}`;
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
  return [
    ...perOperation(await interleave(holders, lab.rounds * 2), heading, `holders${suffix}`),
    ...perOperation(await interleave(waiters, lab.rounds * 2), heading, `waiters${suffix}`),
    ...figuresOf(await interleave(readers, lab.rounds), {
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
