import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { ROOT } from "../harness/source.ts";

const CHARTS = join(ROOT, "docs/charts");

/** Text and background follow the reader's colour scheme, also where the chart is shown as an image. */
const STYLE = `<style>
svg { background: #ffffff; color: #1f2328; }
@media (prefers-color-scheme: dark) { svg { background: #0d1117; color: #e6edf3; } }
</style>`;

/** Colours that are readable on light and on dark backgrounds. */
export const COLOURS = {
  ours: "#2f81f7",
  others: "#8b949e",
  range: ["#2f81f7", "#d29922", "#3fb950", "#db61a2", "#a371f7", "#f0883e", "#39c5cf", "#e5534b", "#8ddb8c", "#b083f0"],
};

/** Draws a chart into docs/charts. It contains text and shapes, and no script. */
export function draw(name: string, title: string, options: object): void {
  const { document } = parseHTML("<html></html>");
  const chart = Plot.plot({ document, width: 820, style: { fontSize: "13px" }, ...options });
  chart.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  chart.setAttribute("role", "img");
  chart.setAttribute("aria-label", title);
  writeFileSync(
    join(CHARTS, `${name}.svg`),
    `${chart.outerHTML.replace(/(<svg[^>]*>)/, `$1<title>${title}</title>${STYLE}`)}\n`,
  );
}
