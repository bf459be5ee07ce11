import type { Figure } from "../harness/figure.ts";
import { quartiles } from "../harness/statistics.ts";
import { shown } from "./number.ts";

/** A table in Markdown for each kind of work on each storage: a row for each contestant, and a column for each metric. */
export function tablesOf(figures: readonly Figure[]): string[] {
  const groups = Map.groupBy(figures, ({ work, storage }) => `${work}|${storage}`);
  return [...groups.values()].map(tableOf);
}

function tableOf(figures: Figure[]): string {
  const metrics = [...new Set(figures.map(({ metric }) => metric))];
  const contestants = [...new Set(figures.map(({ contestant }) => contestant))];
  const [first] = figures;
  const title = first ? `${first.work}${first.storage === "none" ? "" : `, on ${first.storage}`}` : "";
  const find = (contestant: string, metric: string) =>
    figures.find((figure) => figure.contestant === contestant && figure.metric === metric);
  const cells = (contestant: string, metric: string) => cellsOf(find(contestant, metric), metrics.length === 1);
  const heads = metrics.flatMap((metric) => headsOf(metric, first?.unit, metrics.length === 1));
  return markdown([
    [title, ...heads],
    ...contestants.map((contestant) => [contestant, ...metrics.flatMap((metric) => cells(contestant, metric))]),
  ]);
}

function headsOf(metric: string, unit: string | undefined, isOnly: boolean): string[] {
  if (!isOnly) return [metric];
  return unit === undefined ? [metric, "quartiles"] : [metric, `× ${unit}`, "quartiles"];
}

/** The median; with its ratio to the unit, and the quartiles of that ratio. */
function cellsOf(figure: Figure | undefined, isOnly: boolean): string[] {
  if (!figure) return ["-"];
  const { values, ratios } = figure;
  const { low, median, high } = quartiles(ratios ?? values);
  const range = `${shown(low)} to ${shown(high)}`;
  const absolute = shown(quartiles(values).median);
  if (isOnly) return ratios ? [absolute, shown(median), range] : [absolute, range];
  return [ratios ? `${absolute} (${shown(median)} ×, ${range})` : absolute];
}

/** Columns have the width of their widest cell, so that the table is readable as text too. */
export function markdown([head = [], ...rows]: string[][]): string {
  const widths = head.map((_, column) => Math.max(3, ...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const cell = (text: string, n: number) => (n === 0 ? text.padEnd(widths[n] ?? 0) : text.padStart(widths[n] ?? 0));
  const line = (row: string[]) => `| ${row.map(cell).join(" | ")} |`;
  const rule = widths.map((width, n) => (n === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  return [line(head), `| ${rule.join(" | ")} |`, ...rows.map(line)].join("\n");
}
