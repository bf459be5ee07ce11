import type { Sample } from "../work/order.ts";
import type { Figure } from "./figure.ts";

/** Something that is measured once in each round. */
export interface Entry {
  contestant: string;
  measure: () => Promise<Sample>;
  /** What to do before the first round. @default measure once */
  warmUp?: () => Promise<unknown>;
}

/** The samples of each contestant, one for each round. */
export type Rounds = ReadonlyMap<string, readonly Sample[]>;

/** Measures all entries in turn, A B C A B C, so that a slow minute of the machine slows them all. */
export async function interleave(entries: readonly Entry[], count: number): Promise<Rounds> {
  const samples = new Map<string, Sample[]>(entries.map(({ contestant }) => [contestant, []]));
  for (const { measure, warmUp = measure } of entries) await warmUp();
  for (let round = 0; round < count; round += 1)
    // Each round starts with another entry, so that none always follows the same one.
    for (let n = 0; n < entries.length; n += 1) {
      const entry = entries[(n + round) % entries.length];
      if (entry) samples.get(entry.contestant)?.push(await entry.measure());
    }
  return samples;
}

/** What a figure is about, apart from its contestant and its values. */
export type Heading = Pick<Figure, "section" | "work" | "storage" | "metric" | "better"> & {
  /** The name of the metric in a sample. */
  from: string;
  /** The contestant whose value in the same round is the unit. */
  unit?: { contestant: string; from: string };
};

/** The figures of all contestants that have the metric. */
export function figuresOf(rounds: Rounds, { from, unit, ...heading }: Heading): Figure[] {
  const units = unit && rounds.get(unit.contestant)?.map((sample) => sample[unit.from] ?? Number.NaN);
  return [...rounds]
    .filter(([, samples]) => samples.some((sample) => from in sample))
    .map(([contestant, samples]) => {
      const values = samples.map((sample) => sample[from] ?? Number.NaN);
      const ratios = units && values.map((value, round) => value / (units[round] ?? Number.NaN));
      return { ...heading, contestant, values, ...(unit && ratios && { unit: unit.contestant, ratios }) };
    });
}
