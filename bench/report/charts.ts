import { mkdirSync } from "node:fs";
import { join } from "node:path";
import * as Plot from "@observablehq/plot";
import type { Figure } from "../harness/figure.ts";
import { ROOT } from "../harness/source.ts";
import { quartiles } from "../harness/statistics.ts";
import { COLOURS, draw } from "./drawing.ts";
import { shown } from "./number.ts";

interface Bar {
  contestant: string;
  group: string;
  median: number;
  label: string;
  fill: string;
}

function barOf({ contestant, values }: Figure, group: string): Bar {
  const { median } = quartiles(values);
  const fill = contestant.startsWith("this library,") ? COLOURS.ours : COLOURS.others;
  return { contestant, group, median, label: shown(median), fill };
}

/** Bars on a logarithmic scale, since contestants differ by factors of a thousand. */
function drawBars(name: string, title: string, label: string, bars: Bar[]): void {
  const positive = bars.filter(({ median }) => median > 0);
  const least = Math.min(...positive.map(({ median }) => median)) / 2;
  const order = [...new Set(bars.map(({ contestant }) => contestant))];
  const rows = { y: "contestant", fy: "group" };
  draw(name, title, {
    marginLeft: 320,
    marginRight: 120,
    marginBottom: 50,
    height: 110 + bars.length * 24,
    x: {
      type: "log",
      label,
      labelOffset: 40,
      grid: true,
      ticks: 5,
      tickFormat: shown,
      domain: [least, Math.max(...positive.map(({ median }) => median)) * 1.5],
    },
    y: { label: null, domain: order },
    fy: { label: null },
    marks: [
      Plot.barX(positive, { x1: least, x2: "median", fill: "fill", ...rows }),
      Plot.text(positive, { x: "median", text: "label", dx: 6, textAnchor: "start", fill: "currentColor", ...rows }),
    ],
  });
}

/** Hand-offs per second, for callers that come once: then no contestant gains by serving one caller again and again. */
function drawHandOffs(figures: readonly Figure[]): void {
  const found = figures.filter(
    ({ section, work, metric }) => section === "crowds" && work.endsWith(", once") && metric === "hand-offs per second",
  );
  const bars = found.map((figure) => barOf(figure, figure.work.replace(", once", "")));
  if (bars.length > 0)
    drawBars(
      "hand-offs",
      "Hand-offs per second among callers that come once",
      "hand-offs per second (log)",
      bars.filter(({ contestant }) => !contestant.startsWith("an empty")),
    );
}

/** What an acquire and a release take, on both kinds of storage. */
function drawLatency(figures: readonly Figure[]): void {
  const found = figures.filter(
    ({ section, work, metric }) => section === "single" && work === "acquire + release" && metric === "ms",
  );
  const bars = found.map((figure) => barOf(figure, figure.storage));
  if (bars.length > 0) drawBars("latency", "Acquire and release, with nobody else there", "ms (log)", bars);
}

interface Point {
  among: string;
  operation: string;
  size: number;
  ratio: number;
}

/** How far apart two labels must be on the logarithmic scale, as a factor. */
const APART = 1.22;

/** Where to write the label of each line, so that none covers another. */
function apart(points: readonly Point[]): (Point & { at: number })[] {
  const reached = new Map<string, number>();
  return [...points]
    .sort((a, b) => a.ratio - b.ratio)
    .map((point) => {
      const at = Math.max(point.ratio, (reached.get(point.among) ?? 0) * APART);
      reached.set(point.among, at);
      return { ...point, at };
    });
}

/** How the cost of each operation grows with the number of holders or waiters. Flat is good. */
function drawGrowth(figures: readonly Figure[]): void {
  const points = figures
    .filter(({ section, work, metric }) => section === "core" && metric !== "ms" && !work.includes("this library"))
    .map(({ work, metric, contestant, ratios = [] }) => ({
      among: work,
      operation: metric.replace(/, µs$/, ""),
      size: Number(contestant.replaceAll(",", "")),
      ratio: quartiles(ratios).median,
    }));
  if (points.length === 0) return;
  const lines = { x: "size", y: "ratio", stroke: "operation", fx: "among" };
  const most = Math.max(...points.map(({ size }) => size));
  const ends = apart(points.filter(({ size }) => size === most));
  draw("growth", "The cost of an operation among few and many holders or waiters", {
    height: 420,
    marginTop: 50,
    marginRight: 130,
    fx: { label: null, padding: 0.35 },
    color: { range: COLOURS.range, domain: [...new Set(points.map(({ operation }) => operation))] },
    x: { type: "log", label: "holders or waiters (log)", ticks: 4, tickFormat: shown },
    y: {
      type: "log",
      label: "multiple of the cost among 10 (log)",
      labelOffset: 45,
      grid: true,
      ticks: 5,
      tickFormat: shown,
    },
    marks: [
      Plot.line(points, { ...lines, strokeWidth: 2 }),
      Plot.dot(points, lines),
      Plot.text(ends, {
        ...lines,
        y: "at",
        text: "operation",
        dx: 8,
        textAnchor: "start",
        fill: "operation",
        stroke: null,
      }),
    ],
  });
}

/** Draws what docs/benchmarks.md shows. */
export function drawCharts(figures: readonly Figure[]): void {
  mkdirSync(join(ROOT, "docs/charts"), { recursive: true });
  drawHandOffs(figures);
  drawLatency(figures);
  drawGrowth(figures);
}
