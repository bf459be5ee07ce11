import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Figure } from "../harness/figure.ts";
import type { Lab } from "../harness/lab.ts";
import { figuresOf } from "../harness/rounds.ts";
import type { Source } from "../harness/source.ts";
import type { Sample } from "../work/order.ts";
import type { Section } from "./section.ts";

/** More than the past requests that a slot keeps, so that each slot is full. */
const USES = 34;
const MANY_USES = 300;

async function started({ path }: Source, uses: number): Promise<Sample> {
  const script = join(import.meta.dirname, "../work/worst-object.ts");
  const args = ["--no-warnings", "--expose-gc", "--max-old-space-size=8192", script, path, String(uses)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as Sample;
}

export const worstObject: Section = {
  name: "worst-object",
  about:
    "The largest legal object (10,000 slots, ids of 512 bytes) after many uses: its start, in a process of its own",
  async measure(lab: Lab) {
    const uses = lab.full ? MANY_USES : USES;
    const samples = new Map<string, Sample[]>();
    for (const source of lab.sources) samples.set(source.library, [await started(source, uses)]);
    const heading = { section: "worst-object", work: "start of the largest object", storage: "none" } as const;
    const metrics = { ms: "ms", kept: "MB kept", atStart: "MB before the first collection" };
    return Object.entries(metrics).flatMap(([from, metric]): Figure[] =>
      figuresOf(samples, { ...heading, metric, better: "less", from }),
    );
  },
};
