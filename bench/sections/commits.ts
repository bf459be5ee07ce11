import type { Figure } from "../harness/figure.ts";
import type { Lab } from "../harness/lab.ts";
import { ObjectWorker } from "../harness/object-worker.ts";
import { figuresOf } from "../harness/rounds.ts";
import type { Source } from "../harness/source.ts";
import { WalFile } from "../harness/wal-file.ts";
import type { Sample } from "../work/order.ts";
import { suffixOf } from "./sizes.ts";
import type { Section } from "./section.ts";

const ID = "commits";
/** After so many uses of the slot. */
const USES = [1, 33, 500];

/** What one grant and one release append to the log. */
async function pair(worker: ObjectWorker, log: WalFile): Promise<[grant: Sample, release: Sample]> {
  let lease = 0;
  const grant = await log.during(async () => {
    ({ lease } = await worker.ask<{ lease: number }>({ call: "acquire", id: ID }));
  });
  const release = await log.during(() => worker.ask({ call: "release", id: ID, lease }));
  return [{ ...grant }, { ...release }];
}

async function measured(lab: Lab, source: Source): Promise<Figure[]> {
  await using worker = await ObjectWorker.start(lab, source, "RAM disk");
  const log = new WalFile(worker.folder);
  const samples = new Map<string, Sample[]>();
  let used = 0;
  const [first] = await pair(worker, log);
  samples.set("grant, first of all", [first]);
  for (const uses of USES) {
    if (uses > used + 1) await worker.ask({ call: "seed", id: ID, slots: 1, uses: uses - used - 1 });
    const pairs = [];
    for (let n = 0; n < lab.rounds; n += 1) pairs.push(await pair(worker, log));
    used = uses + lab.rounds;
    samples.set(
      `grant, after ${uses} uses or more`,
      pairs.map(([grant]) => grant),
    );
    samples.set(
      `release, after ${uses} uses or more`,
      pairs.map(([, release]) => release),
    );
  }
  const work = `one commit${suffixOf(lab, source)}`;
  const heading = { section: "commits", work, storage: "RAM disk", better: "less" } as const;
  return [
    ...figuresOf(samples, { ...heading, metric: "WAL frames", from: "frames" }),
    ...figuresOf(samples, { ...heading, metric: "bytes", from: "bytes" }),
  ];
}

export const commits: Section = {
  name: "commits",
  about: "What a grant and a release append to the object's write-ahead log",
  async measure(lab) {
    const figures: Figure[] = [];
    for (const source of lab.sources) figures.push(...(await measured(lab, source)));
    return figures;
  },
};
