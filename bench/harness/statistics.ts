import { quantile } from "../work/waits.ts";

/** The median of a list, and the range of its middle half. */
export interface Quartiles {
  low: number;
  median: number;
  high: number;
}

export function quartiles(values: readonly number[]): Quartiles {
  return { low: quantile(values, 0.25), median: quantile(values, 0.5), high: quantile(values, 0.75) };
}

/** Whether the middle halves of two lists overlap: then the difference may be chance. */
export function overlap(one: Quartiles, other: Quartiles): boolean {
  return one.low <= other.high && other.low <= one.high;
}
