import type { Figure } from "../harness/figure.ts";
import type { Lab } from "../harness/lab.ts";
import { type Entry, type Heading, figuresOf, interleave } from "../harness/rounds.ts";
import { ASYNC_MUTEX, EMPTY_POST } from "../harness/performers.ts";
import { EMPTY_CALL, units } from "../harness/units.ts";
import { type WorkName, orderOf } from "../work/order.ts";
import type { Section } from "./section.ts";

interface Size {
  work: Extract<WorkName, "once" | "returning">;
  callers: number;
  /** After how many milliseconds a crowd is stopped. */
  box: number;
}

const SIZES: Size[] = [
  { work: "returning", callers: 2, box: 120 },
  { work: "once", callers: 50, box: 200 },
  { work: "returning", callers: 50, box: 200 },
  { work: "once", callers: 1_000, box: 800 },
  { work: "returning", callers: 1_000, box: 800 },
];

type Metric = Pick<Heading, "metric" | "from" | "better">;

const METRICS: Metric[] = [
  { metric: "p50 wait, ms", from: "p50", better: "less" },
  { metric: "p99 wait, ms", from: "p99", better: "less" },
  { metric: "worst wait, ms", from: "max", better: "less" },
  { metric: "requests per section", from: "requests", better: "less" },
  { metric: "unserved when stopped", from: "unserved", better: "less" },
];

/** Comparable only among callers that return: a caller that comes once has no share. */
const FAIRNESS: Metric = { metric: "worst wait / fair share", from: "fairness", better: "less" };

const headlineOf = ({ callers, work }: Size) => `${callers.toLocaleString("en")} callers, ${work}`;

async function measured(lab: Lab, size: Size): Promise<Figure[]> {
  const storage = "RAM disk";
  const box = lab.full ? size.box * 4 : size.box;
  // async-mutex makes more hand-offs in an eighth of the time than any other contestant in all of it.
  const performers = (await lab.performers(storage)).filter(({ name }) => name !== EMPTY_POST);
  const entries: Entry[] = performers.map(({ name, perform }) => ({
    contestant: name,
    measure: () => perform(orderOf(size.work, { callers: size.callers, box: name === ASYNC_MUTEX ? box / 8 : box })),
    warmUp: () => perform(orderOf("returning", { callers: 10, box: 50 })),
  }));
  const calls = (await units(lab, storage, 100)).slice(0, 1);
  const rounds = await interleave([...calls, ...entries], lab.rounds);
  const heading = { section: "crowds", work: headlineOf(size), storage } as const;
  const unit = { contestant: EMPTY_CALL, from: "perSecond" };
  const all = withRates(rounds);
  return [
    ...figuresOf(all, { ...heading, metric: "hand-offs per second", from: "perSecond", better: "more", unit }),
    ...[...METRICS, ...(size.work === "returning" ? [FAIRNESS] : [])]
      .flatMap((metric) => figuresOf(all, { ...heading, ...metric }))
      .filter(({ contestant }) => contestant !== EMPTY_CALL),
  ];
}

/** Gives the unit a rate, so that rates are divided by a rate. */
function withRates(rounds: Awaited<ReturnType<typeof interleave>>): Awaited<ReturnType<typeof interleave>> {
  return new Map(
    [...rounds].map(([name, samples]) => [
      name,
      name === EMPTY_CALL ? samples.map(({ ms = Number.NaN }) => ({ perSecond: 1_000 / ms })) : samples,
    ]),
  );
}

export const crowds: Section = {
  name: "crowds",
  about: "Many callers of one lock, once each, or coming back until they are stopped",
  async measure(lab) {
    const figures: Figure[] = [];
    for (const size of SIZES) figures.push(...(await measured(lab, size)));
    return figures;
  },
};
