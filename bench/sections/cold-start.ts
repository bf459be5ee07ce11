import type { Figure, StorageName } from "../harness/figure.ts";
import type { Lab } from "../harness/lab.ts";
import { ObjectWorker } from "../harness/object-worker.ts";
import { type Entry, figuresOf, interleave } from "../harness/rounds.ts";
import type { Source } from "../harness/source.ts";
import type { Sample } from "../work/order.ts";
import { named, suffixOf } from "./sizes.ts";
import type { Section } from "./section.ts";

const STORAGE: StorageName = "RAM disk";
/** One more than the past requests of a slot. */
const USED = 33;

/** How many slots, and how often each was used. To fill 9,900 slots 33 times takes too long for a short run. */
const SHAPES: [slots: number, uses: number][] = [
  [1, 1],
  [1, USED],
  [100, 1],
  [100, USED],
  [1_000, USED],
  [9_900, 1],
];
const LONG: [slots: number, uses: number] = [9_900, USED];

const nameOf = (slots: number, uses: number) =>
  `${named(slots)} ${slots === 1 ? "slot" : "slots"}, ${uses === 1 ? "fresh" : `used ${uses} times`}`;

async function measured(lab: Lab, source: Source): Promise<Figure[]> {
  await using worker = await ObjectWorker.start(lab, source, STORAGE);
  const entries: Entry[] = [];
  for (const [slots, uses] of lab.full ? [...SHAPES, LONG] : SHAPES) {
    const id = nameOf(slots, uses);
    await worker.ask({ call: "seed", id, slots, uses });
    entries.push({
      contestant: id,
      async measure() {
        await worker.evict(id);
        return worker.ask<Sample>({ call: "start", id });
      },
    });
  }
  const work = `first call after the start of an object${suffixOf(lab, source)}`;
  const heading = { section: "cold-start", work, storage: STORAGE, metric: "ms", better: "less" } as const;
  const unit = { contestant: nameOf(1, 1), from: "ms" };
  return figuresOf(await interleave(entries, lab.rounds), { ...heading, from: "ms", unit });
}

export const coldStart: Section = {
  name: "cold-start",
  about: "The first call of an object that is not in memory, by the number of its slots and how often they were used",
  async measure(lab) {
    const figures: Figure[] = [];
    for (const source of lab.sources) figures.push(...(await measured(lab, source)));
    return figures;
  },
};
