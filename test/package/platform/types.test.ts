import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { usage } from "../usage.ts";
import { folderOf, laidOut, run } from "./project.ts";

/** Everything of the package that has types, in use. */
const WORKER = `
import { fenceHeaders } from "durable-locks/fencing";
import { createLockService } from "durable-locks/service";
import { connectLocks } from "durable-locks/client";
import { type DurableLock, type DurableRendezvous, lead, once, useBarrier, useDurableLock, useLatch, useReadWriteLock, useSemaphore, webLocks, withLocks } from "durable-locks";
interface Bindings { LOCKS: DurableObjectNamespace<DurableLock>; MEETINGS: DurableObjectNamespace<DurableRendezvous> }
export async function use({ LOCKS, MEETINGS }: Bindings): Promise<Response> {
  const lock = useDurableLock(LOCKS, "a");
  await using held = await lock.hold({ maxHold: 300_000 });
  await useReadWriteLock(LOCKS, "b").read.withLock(() => fenceHeaders("b", held.lease));
  await useSemaphore(LOCKS, "c", { permits: 2 }).withPermits(2, () => webLocks(LOCKS).request("d", () => 1));
  await withLocks([lock], ({ signal }) => lead(lock, ({ term }) => term, { signal }));
  await useLatch(MEETINGS, "e", { count: 1 }).wait();
  await useBarrier(MEETINGS, "f", { parties: 2 }).arrive();
  await once(connectLocks({ url: "https://locks.example", token: "a-token" }).lock("g"), () => held.remaining());
  return createLockService({ lock: LOCKS, tokens: "a-token" }).fetch(new Request("https://locks.example"));
}
`;

const BROWSER = `
import { type Lock, connectLocks, once } from "durable-locks/client";
const { lock, webLocks } = connectLocks({ url: location.href, token: "a-token" });
export const nightly: Lock = lock("nightly");
export async function use(): Promise<number> {
  await using held = await nightly.hold();
  await webLocks().request("tab", { mode: "shared" }, (it) => it?.name);
  document.title = String(await once(nightly, () => held.lease));
  return nightly.withLock(({ lease }) => lease);
}
`;

/** Each with the libraries that it has; es2024 came with 5.7. */
const COMPILERS: Record<string, string[]> = {
  "typescript-5.5": ["es2022"],
  typescript: ["es2022", "es2024"],
  "typescript-6.0": ["es2022", "es2024"],
  "typescript-7.0": ["es2022", "es2024"],
};

/** What a program takes its types from. */
const PROGRAMS: Record<string, { files: string[]; types: string[]; libs?: string[] }> = {
  "`wrangler types`": { files: ["worker-configuration.d.ts", "src/index.ts", "worker.ts"], types: [] },
  "workers-types": { files: ["worker.ts"], types: ["@cloudflare/workers-types"] },
  "a browser": { files: ["browser.ts"], types: [], libs: ["dom"] },
};

before(async () => {
  const files = { "wrangler.jsonc": usage("jsonc"), "src/index.ts": usage("ts"), "worker.ts": WORKER };
  const folder = await folderOf("types", { ...files, "browser.ts": BROWSER });
  await run(folder, "npx", "wrangler", "types");
});

for (const [compiler, libs] of Object.entries(COMPILERS))
  for (const lib of libs)
    for (const [name, { files, types, libs: more = [] }] of Object.entries(PROGRAMS))
      test(`The packed types compile with ${compiler}, lib ${lib} and types of ${name}.`, async (context) => {
        const modules = join(laidOut(), "node_modules", compiler);
        const { version } = JSON.parse(await readFile(join(modules, "package.json"), "utf8")) as { version: string };
        context.diagnostic(`TypeScript ${version}`);
        const compilerOptions = {
          target: "es2022",
          lib: [lib, ...more],
          module: "esnext",
          moduleResolution: "bundler",
        };
        const strict = { strict: true, exactOptionalPropertyTypes: true, noEmit: true, skipLibCheck: false, types };
        const config = { compilerOptions: { ...compilerOptions, ...strict, listFiles: true }, files };
        const tsconfig = `${compiler} ${lib} ${name}.json`.replaceAll(/[^\w.]+/g, "-");
        const folder = await folderOf("types", { [tsconfig]: JSON.stringify(config) });
        const read = await run(folder, process.execPath, join(modules, "bin/tsc"), "-p", tsconfig);
        assert.match(read, /durable-locks\/dist\/client\.d\.ts/);
        assert.doesNotMatch(read, /@types\/node/, "the package needs no types of Node");
      });
