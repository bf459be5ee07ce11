// Measures in local workerd, several times, and prints each figure's median as a multiple of an empty call in the same
// run: the machine cancels out.
import { join } from "node:path";
import { createTestHarness } from "wrangler";

const RUNS = 3;

/** The harness now and then loses a connection that was idle for a while: then it is asked again. */
async function measure(triesLeft = 3): Promise<Record<string, number>> {
  const response = await server.fetch("http://localhost/");
  if (response.ok) return (await response.json()) as Record<string, number>;
  if (triesLeft === 0) throw new Error(`The measured Worker failed: ${await response.text()}`);
  await response.text();
  return measure(triesLeft - 1);
}

// Nothing leaves this machine.
process.env["CLOUDFLARE_CF_FETCH_ENABLED"] = "false";
const server = createTestHarness({ workers: [{ configPath: join(import.meta.dirname, "wrangler.toml") }] });
await server.listen();
const ratios = new Map<string, number[]>();
try {
  await measure();
  for (let run = 0; run < RUNS; run += 1) {
    const figures = await measure();
    const [unit = 1] = Object.values(figures);
    for (const [name, figure] of Object.entries(figures))
      ratios.set(name, [...(ratios.get(name) ?? []), figure / unit]);
  }
} finally {
  await server.close();
}
for (const [name, values] of ratios) {
  const sorted = values.toSorted((a, b) => a - b);
  const [least, median, most] = [sorted[0], sorted[RUNS >> 1], sorted.at(-1)].map((ratio) => ratio?.toFixed(2));
  console.log(`${name.padEnd(44)} ${median?.padStart(6)} x   (${least} to ${most})`);
}
