import type { Figure } from "../harness/figure.ts";
import type { Lab } from "../harness/lab.ts";
import { ObjectWorker } from "../harness/object-worker.ts";
import type { Source } from "../harness/source.ts";
import type { Sample } from "../work/order.ts";
import { FEW, MANY, named, perOperation, suffixOf } from "./sizes.ts";
import type { Section } from "./section.ts";

const STORAGE = "RAM disk";

async function measured(lab: Lab, source: Source, kind: "holders" | "waiters", followed: boolean): Promise<Figure[]> {
  await using worker = await ObjectWorker.start(lab, source, STORAGE);
  const sizes = lab.full ? [1, FEW, 1_000, MANY] : [FEW, MANY];
  const box = lab.full ? 60 : 25;
  const call = { call: "crowded", kind, sizes, rounds: lab.rounds, box, followed } as const;
  const samples = await worker.ask<Record<string, Sample[]>>(call);
  const rounds = new Map(sizes.map((size) => [named(size), samples[size] ?? []]));
  const of = `${kind}${followed ? ", followed" : ""}${suffixOf(lab, source)}`;
  return perOperation(rounds, { section: "object", storage: STORAGE, metric: "ms" }, of);
}

export const object: Section = {
  name: "object",
  about: "One object with few and with many holders or waiters, over RPC, followed by an inspector or not",
  async measure(lab) {
    const figures: Figure[] = [];
    for (const source of lab.sources)
      for (const kind of ["holders", "waiters"] as const)
        for (const followed of [false, true]) figures.push(...(await measured(lab, source, kind, followed)));
    return figures;
  },
};
