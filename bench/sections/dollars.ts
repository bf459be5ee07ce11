import type { Figure } from "../harness/figure.ts";
import type { Lab } from "../harness/lab.ts";
import { FIRST_LIBRARY, overRpc } from "../harness/performers.ts";
import type { Source } from "../harness/source.ts";
import { Workerd } from "../harness/workerd.ts";
import { type Usage, dollarsPerMillion } from "../report/prices.ts";
import type { Section } from "./section.ts";

const METRICS: [metric: string, of: (usage: Usage) => number][] = [
  ["requests", ({ requests }) => requests],
  ["rows written", ({ written }) => written],
  ["rows read", ({ read }) => read],
  ["US$ per million", dollarsPerMillion],
];

async function usages(lab: Lab, source: Source, way: string): Promise<Record<string, Usage>> {
  const objects = { DURABLE_LOCK: "CountedLock", FIRST_LOCK: "CountedFirstLock" };
  const worker = { name: "costs", script: await lab.worker("costs.ts", source), objects };
  await using workerd = await Workerd.start(lab.folders.new("RAM disk"), [worker]);
  return await workerd.ask("costs", { way });
}

function figures(contestant: string, measured: Record<string, Usage>): Figure[] {
  return Object.entries(measured).flatMap(([work, usage]) =>
    METRICS.map(([metric, of]): Figure => ({
      section: "dollars",
      work,
      contestant,
      storage: "none",
      metric,
      better: "less",
      values: [of(usage)],
    })),
  );
}

export const dollars: Section = {
  name: "dollars",
  about: "What one operation uses at Cloudflare, and what a million of them cost",
  async measure(lab) {
    const found: Figure[] = [];
    for (const source of lab.sources) found.push(...figures(overRpc(source), await usages(lab, source, "library")));
    const [current] = lab.sources;
    return current ? [...found, ...figures(FIRST_LIBRARY, await usages(lab, current, "first"))] : found;
  },
};
