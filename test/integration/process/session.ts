import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestHarness } from "wrangler";

const ROOT = join(import.meta.dirname, "../../..");

/** Several Workers in one local session, as `wrangler dev -c one -c other` runs them. */
export interface Session extends AsyncDisposable {
  /** Asks one of the Workers, and returns its answer as text. */
  read: (worker: string, path: string) => Promise<string>;
  /** The same, with the answer read as JSON. */
  ask: <T>(worker: string, path: string) => Promise<T>;
}

/** A folder outside the repository for Workers that import the package by its name, and get its source. */
export async function layOut(files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "durable-locks-session-"));
  const source = `export * from ${JSON.stringify(join(ROOT, "src/index.ts"))};\n`;
  const installed = { "package.json": '{ "type": "module", "exports": "./index.ts" }', "index.ts": source };
  const named = Object.entries(installed).map(([file, text]) => [`node_modules/durable-locks/${file}`, text] as const);
  for (const [file, text] of [...Object.entries(files), ...named]) {
    await mkdir(join(folder, file, ".."), { recursive: true });
    await writeFile(join(folder, file), text);
  }
  return folder;
}

/** Runs the Workers of the given configurations until the session is disposed of. */
export async function startSession(folder: string, configs: string[]): Promise<Session> {
  // Nothing leaves this machine.
  process.env["WRANGLER_SEND_METRICS"] = "false";
  process.env["CLOUDFLARE_CF_FETCH_ENABLED"] = "false";
  const server = createTestHarness({ workers: configs.map((config) => ({ configPath: join(folder, config) })) });
  await server.listen();
  const read = async (worker: string, path: string) => {
    const response = await server.getWorker(worker).fetch(`http://localhost/${path}`);
    const text = await response.text();
    if (!response.ok) throw new Error(`${worker} answered ${response.status} to ${path}: ${text}`);
    return text;
  };
  return {
    read,
    ask: async <T>(worker: string, path: string) => JSON.parse(await read(worker, path)) as T,
    [Symbol.asyncDispose]: async () => {
      await server.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
}
