import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { residentOf } from "../../test/robustness/load/memory.ts";
import { Children } from "../../test/support/node/children.ts";
import { Server } from "../../test/support/node/workerd.ts";
import type { Lab } from "../harness/lab.ts";
import { figuresOf } from "../harness/rounds.ts";
import type { Source } from "../harness/source.ts";
import type { Sample } from "../work/order.ts";
import type { Section } from "./section.ts";

const COUNT = 5_000;
const BYTES_PER_MB = 1_048_576;

/** What workerd grows by for each parked waiter. Some of that is garbage, so it is an upper bound. */
async function measured(lab: Lab, source: Source): Promise<Sample> {
  const folder = lab.folders.new("RAM disk");
  const worker = join(folder, "bundle.js");
  writeFileSync(worker, await lab.worker("parked.ts", source));
  await using children = new Children(folder);
  const server = await Server.create(folder, children, { worker });
  const ask = async (path: string) => (await fetch(`http://127.0.0.1:${server.port}/${path}`)).text();
  void ask("1").catch(() => {});
  while (Number(await ask("waiting")) < 1) await sleep(50);
  const { pid = 0 } = server;
  const before = residentOf(pid);
  // Never answered: the server ends first.
  void ask(String(COUNT)).catch(() => {});
  while (Number(await ask("waiting")) < COUNT) await sleep(200);
  return { bytes: ((residentOf(pid) - before) / COUNT) * BYTES_PER_MB };
}

export const memory: Section = {
  name: "memory",
  about: "The memory of workerd (RSS) for each parked waiter, with its caller in the same process",
  async measure(lab) {
    const samples = new Map<string, Sample[]>();
    for (const source of lab.sources) samples.set(`${source.library}, RPC`, [await measured(lab, source)]);
    const heading = { section: "memory", work: "a parked waiter", storage: "none", better: "less" } as const;
    return figuresOf(samples, { ...heading, metric: "bytes of RSS", from: "bytes" });
  },
};
