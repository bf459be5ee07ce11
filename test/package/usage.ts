import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { createTestHarness } from "wrangler";

const ROOT = join(import.meta.dirname, "../..");

/** What the README's other examples take for granted. */
const GIVEN = `
import { type HeldLease, bindLocks, fenceR2, lead, once, useDurableLock, useReadWriteLock, useSemaphore, webLocks, withLocks } from "durable-locks";
interface Env { DURABLE_LOCK: DurableObjectNamespace<import("durable-locks").DurableLock>; QUEUE: Queue; BUCKET: R2Bucket }
declare const env: Env;
declare const message: { body: { lease: number } };
declare const order: { id: number };
declare const shutdown: AbortSignal;
declare function post(what: typeof order, signal: AbortSignal): Promise<string>;
declare function read(what: typeof order): Promise<string>;
declare function work(held: Pick<HeldLease, "signal" | "lease">): Promise<void>;
declare function deposit(env: Env, id: string, amount: number, signal: AbortSignal): Promise<number>;
`;

export const readme = await readFile(join(ROOT, "README.md"), "utf8");

/** The fenced blocks of the given language in one section of the README. */
function blocks(language: string, from: string, to: string): string[] {
  const section = readme.slice(readme.indexOf(from), readme.indexOf(to));
  const found = [...section.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, "gs"))].map(
    ([, block = ""]) => block,
  );
  if (found.length === 0) throw new Error(`The README has no ${language} block after "${from}".`);
  return found;
}

/** The first block of the README's Usage in the given language. */
export function usage(language: string): string {
  return blocks(language, "## Usage", "## Without Workers")[0] as string;
}

/** The README's example outside of Workers. */
export function outsideOfWorkers(): string {
  return blocks("ts", "## Without Workers", "## What is promised")[0] as string;
}

/** The README's Usage in a Worker project, word for word, and its other examples beside it. */
export async function layOutUsage(project: string): Promise<void> {
  await mkdir(join(project, "src"), { recursive: true });
  await writeFile(join(project, "wrangler.jsonc"), usage("jsonc"));
  await writeFile(join(project, "src/index.ts"), usage("ts"));
  const [intro = ""] = blocks("ts", "# durable-locks", "## Usage");
  const withoutImport = intro.replace(/^import .*\n/, "");
  await writeFile(join(project, "src/intro.ts"), GIVEN + withoutImport);
  await writeFile(join(project, "src/api.ts"), GIVEN + blocks("ts", "## API by example", "## What it costs").join(""));
}

/** Many requests for one path, to a Worker that runs the README's Usage: each runs alone, under a separate lease. */
export async function tryOutUsage(fetchPath: (path: string) => Promise<Response>): Promise<void> {
  const texts = await Promise.all(
    Array.from({ length: 10 }, async () => {
      const response = await fetchPath("/job");
      if (response.status !== 200) throw new Error(`The Worker answered ${response.status}: ${await response.text()}`);
      return response.text();
    }),
  );
  const leases = new Set(texts.map((text) => text.match(/^did \/job under lease (\d+)\n$/)?.[1]));
  if (leases.size !== 10 || leases.has(undefined)) throw new Error(`Unexpected answers: ${texts.join("")}`);
  console.log(`10 requests ran under 10 leases; the last said: ${texts.at(-1)?.trim()}`);
}

/** The same, to the Worker of a wrangler configuration. `harness` is of the wrangler to try it with. */
export async function tryOutConfig(harness: typeof createTestHarness, configPath: string): Promise<void> {
  // Nothing leaves this machine.
  process.env["CLOUDFLARE_CF_FETCH_ENABLED"] = "false";
  const server = harness({ workers: [{ configPath }] });
  await server.listen();
  try {
    await tryOutUsage(async (path) => (await server.fetch(`http://localhost${path}`)) as unknown as Response);
  } finally {
    await server.close();
  }
}
