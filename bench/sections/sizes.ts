import type { Figure } from "../harness/figure.ts";
import type { Lab } from "../harness/lab.ts";
import { type Rounds, figuresOf } from "../harness/rounds.ts";
import type { Source } from "../harness/source.ts";

/** The sizes that are compared: a lock with few holders or waiters, and one with nearly as many as it may have. */
export const FEW = 10;
export const MANY = 9_900;

export const sizesOf = (lab: Lab) => (lab.full ? [1, FEW, 100, 1_000, MANY] : [FEW, 1_000, MANY]);
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
      work: `among ${of}`,
      metric: `${operation}, ${heading.metric}`,
      better: "less",
      from: operation,
      unit: { contestant: named(FEW), from: operation },
    }),
  );
}

/** Marks the figures of another version of the library. */
export const suffixOf = (lab: Lab, source: Source) => (source === lab.sources[0] ? "" : `, ${source.library}`);
