import type { Figure } from "../harness/figure.ts";
import { quartiles } from "../harness/statistics.ts";
import { shown } from "./number.ts";

/** Groups figures that belong in one table: the same work and metric on the same storage. */
export function groupsOf(figures: readonly Figure[]): Figure[][] {
  const groups = Map.groupBy(figures, ({ work, metric, storage }) => [work, metric, storage].join("|"));
  return [...groups.values()];
}

/** A table in Markdown, for each group. */
export function tablesOf(figures: readonly Figure[]): string[] {
  return groupsOf(figures).map(tableOf);
}

function tableOf(figures: Figure[]): string {
  const [first] = figures;
  if (!first) return "";
  const { work, metric, storage, unit } = first;
  const title = `${work}, ${metric}${storage === "none" ? "" : `, on ${storage}`}`;
  const head = unit === undefined ? [title, "median", "quartiles"] : [title, "median", `× ${unit}`, "quartiles"];
  const rows = figures.map((figure) => [figure.contestant, ...cellsOf(figure)]);
  return markdown([head, ...rows]);
}

function cellsOf({ values, ratios }: Figure): string[] {
  const { low, median, high } = quartiles(ratios ?? values);
  const range = `${shown(low)} to ${shown(high)}`;
  return ratios ? [shown(quartiles(values).median), shown(median), range] : [shown(median), range];
}

/** Columns have the width of their widest cell, so that the table is readable as text too. */
export function markdown([head = [], ...rows]: string[][]): string {
  const widths = head.map((_, column) => Math.max(3, ...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (row: string[]) =>
    `| ${widths.map((width, n) => (n === 0 ? (row[n] ?? "").padEnd(width) : (row[n] ?? "").padStart(width))).join(" | ")} |`;
  const rule = `| ${widths.map((width, n) => (n === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`;
  return [line(head), rule, ...rows.map(line)].join("\n");
}
