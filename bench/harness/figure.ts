/** Where the storage of a figure was. A run on memory alone has none. */
export type StorageName = "RAM disk" | "disk" | "none";

/** One measured figure: a value for each round. */
export interface Figure {
  section: string;
  /** What was done, such as "acquire + release". */
  work: string;
  contestant: string;
  storage: StorageName;
  /** What the values are, such as "ms" or "per second". */
  metric: string;
  better: "less" | "more";
  values: number[];
  /** What the values were divided by in the same round. Absent if the figure is no ratio, such as a size. */
  unit?: string;
  /** The values as multiples of the unit. */
  ratios?: number[];
}

/** What distinguishes a figure from every other of its run. */
export function keyOf({ section, work, contestant, storage, metric }: Figure): string {
  return [section, work, contestant, storage, metric].join(" | ");
}
