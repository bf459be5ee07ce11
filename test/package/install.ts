// Installs the packed tarball into a new Worker project outside the repository and follows the README's Usage word for
// word: the wrangler configuration, the Worker's code, type check, bundling, and a run on local workerd. Then the two Workers
// of docs/several-workers.md, and the service of docs/fencing.md, which is no Worker.
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestHarness } from "wrangler";
import { freePort } from "../support/node/free-port.ts";
import { tryOutDev } from "./dev.ts";
import { layOutService, tryOutService } from "./node-service.ts";
import { layOutPages } from "./pages.ts";
import { commandOf, layOutSeveralWorkers, SHOP, tryOutSession } from "./several-workers.ts";
import { copyTarball } from "./tarball.ts";
import { layOutUsage, outsideOfWorkers, readme, tryOutConfig, usage } from "./usage.ts";

const root = join(import.meta.dirname, "../..");
const { devDependencies } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as {
  devDependencies: Record<string, string>;
};
const project = await mkdtemp(join(tmpdir(), "durable-locks-user-"));

function run(command: string, ...args: string[]): void {
  runIn(project, command, ...args);
}

function runIn(cwd: string, command: string, ...args: string[]): void {
  console.log(`$ ${[command, ...args].join(" ")}`);
  const env = { ...process.env, CI: "1" };
  const { status, stdout } = spawnSync(command, args, { cwd, stdio: ["ignore", "pipe", "inherit"], env });
  if (status !== 0) throw new Error(`${command} failed.\n${String(stdout)}`);
}

/** Outside of Workers, where only Node's types are there: the README's example, and what else has types. */
const CLIENT = `${outsideOfWorkers()}
import { type Lock, once } from "durable-locks/client";
declare function report(signal: AbortSignal): Promise<void>;
const nightly: Lock = lock("nightly");
export const results: Promise<number>[] = [nightly.withLock(({ lease }) => lease), once(nightly, () => 1)];
`;

const QUIETLY = ["--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"];

async function layOut(): Promise<void> {
  const pinned = ["wrangler", "typescript", "@types/node"].map((name) => `${name}@${devDependencies[name]}`);
  const tarball = await copyTarball(project);
  await writeFile(join(project, "package.json"), JSON.stringify({ name: "user", private: true, type: "module" }));
  const install = usage("sh").trim().split(" ");
  if (!install.includes(`./${tarball}`)) throw new Error("The README installs another version.");
  run("npm", "install", ...QUIETLY, ...pinned);
  run(install[0] as string, ...install.slice(1), ...QUIETLY);
  await layOutUsage(project);
  await layOutPages(project, root);
  // What `npm create cloudflare` writes, and the strictest of it: the library's own types are checked too.
  const compilerOptions = {
    target: "es2022",
    lib: ["es2024"],
    module: "esnext",
    moduleResolution: "bundler",
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    types: ["./worker-configuration.d.ts"],
  };
  const include = ["worker-configuration.d.ts", "src"];
  await writeFile(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, include }));
  const types = ["node"];
  const ofService = { compilerOptions: { ...compilerOptions, types }, include: ["service.ts", "client.ts"] };
  await writeFile(join(project, "tsconfig.service.json"), JSON.stringify(ofService));
  await layOutService(project, root);
  await layOutSeveralWorkers(project, compilerOptions);
  await writeFile(join(project, "client.ts"), CLIENT);
}

try {
  await layOut();
  run("npx", "wrangler", "types");
  run("npx", "tsc");
  run("npx", "wrangler", "deploy", "--dry-run", "--outdir", "dist");
  await tryOutConfig(createTestHarness, join(project, "wrangler.jsonc"));
  const [wrangler = "", ...types] = await commandOf("npx wrangler types");
  runIn(join(project, SHOP), wrangler, ...types);
  runIn(join(project, SHOP), "npx", "tsc");
  await tryOutSession(project, await freePort());
  run("npx", "tsc", "-p", "tsconfig.service.json");
  await tryOutService(project);
  await tryOutDev(project, readme);
} finally {
  await rm(project, { recursive: true, force: true });
}
