import type { Figure, StorageName } from "../harness/figure.ts";
import type { Lab } from "../harness/lab.ts";
import { type Entry, figuresOf, interleave } from "../harness/rounds.ts";
import { EMPTY_CALL, units } from "../harness/units.ts";
import { type WorkName, orderOf } from "../work/order.ts";
import type { Section } from "./section.ts";

/** Each operation of one caller, as it is called in tables. */
const WORKS: Partial<Record<WorkName, string>> = {
  pair: "acquire + release",
  withLock: "withLock",
  renew: "renew",
  refused: "try on a taken lock",
  ids: "acquire + release on a new id",
};

async function measured(lab: Lab, storage: StorageName, work: WorkName, box: number): Promise<Figure[]> {
  const performers = await lab.performers(storage);
  const entries: Entry[] = performers.map(({ name, perform }) => ({
    contestant: name,
    measure: () => perform(orderOf(work, { box })),
  }));
  const rounds = await interleave([...(await units(lab, storage, box)), ...entries], lab.rounds);
  const heading = { section: "single", work: WORKS[work] ?? work, storage, better: "less" } as const;
  return figuresOf(rounds, { ...heading, metric: "ms", from: "ms", unit: { contestant: EMPTY_CALL, from: "ms" } });
}

export const single: Section = {
  name: "single",
  about: "What one caller waits for each operation, with nobody else there",
  async measure(lab) {
    const figures: Figure[] = [];
    for (const storage of lab.folders.storages)
      for (const work of Object.keys(WORKS) as WorkName[])
        figures.push(...(await measured(lab, storage, work, lab.full ? 200 : 30)));
    return figures;
  },
};
