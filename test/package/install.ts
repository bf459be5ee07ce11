// Installs the packed tarball into a new Worker project outside the repository and follows the README's Usage word for
// word: the wrangler configuration, the Worker's code, type check, bundling, and a run on local workerd. Then the service
// of docs/guards.md, which is no Worker.
import { spawnSync } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestHarness } from "wrangler";
import { layOutService, tryOutService } from "./node-service.ts";
import { tryOutDev } from "./dev.ts";
import { layOutPages } from "./pages.ts";

const root = join(import.meta.dirname, "../..");
const { version, devDependencies } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as {
  version: string;
  devDependencies: Record<string, string>;
};
const readme = await readFile(join(root, "README.md"), "utf8");
const project = await mkdtemp(join(tmpdir(), "durable-locks-user-"));

function run(command: string, ...args: string[]): void {
  console.log(`$ ${[command, ...args].join(" ")}`);
  const env = { ...process.env, CI: "1" };
  const { status, stdout } = spawnSync(command, args, { cwd: project, stdio: ["ignore", "pipe", "inherit"], env });
  if (status !== 0) throw new Error(`${command} failed.\n${String(stdout)}`);
}

/** The fenced blocks of the given language in one section of the README. */
function blocks(language: string, from: string, to: string): string[] {
  const section = readme.slice(readme.indexOf(from), readme.indexOf(to));
  const found = [...section.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, "gs"))].map(
    ([, block = ""]) => block,
  );
  if (found.length === 0) throw new Error(`The README has no ${language} block after "${from}".`);
  return found;
}

function usage(language: string): string {
  return blocks(language, "## Usage", "## What is promised")[0] as string;
}

/** What the README's other examples take for granted. */
const GIVEN = `
import { type HeldLease, fenceR2, lead, once, useDurableLock, useReadWriteLock, useSemaphore, webLocks, withLocks } from "durable-locks";
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

/** Outside of Workers: only Node's types are there. */
const CLIENT = `
import { type Lock, connectLocks, once } from "durable-locks/client";
const { lock } = connectLocks({ url: "http://localhost", token: "a-token-of-some-length" });
const nightly: Lock = lock("nightly");
export const results: Promise<number>[] = [nightly.withLock(({ lease }) => lease), once(nightly, () => 1)];
`;

async function writeExamples(): Promise<void> {
  const [intro = ""] = blocks("ts", "# durable-locks", "## Usage");
  const withoutImport = intro.replace(/^import .*\n/, "");
  await writeFile(join(project, "src/intro.ts"), GIVEN + withoutImport);
  await writeFile(join(project, "src/api.ts"), GIVEN + blocks("ts", "## API by example", "## What it costs").join(""));
}

async function layOut(): Promise<void> {
  const pinned = (name: string) => `${name}@${devDependencies[name]}`;
  const tarball = `durable-locks-${version}.tgz`;
  await copyFile(join(root, ".wrangler", tarball), join(project, tarball)).catch((cause: unknown) => {
    throw new Error("The tarball is missing: run `npm run build` first.", { cause });
  });
  await writeFile(join(project, "package.json"), JSON.stringify({ name: "user", private: true, type: "module" }));
  const install = usage("sh").trim().split(" ");
  if (!install.includes(`./${tarball}`)) throw new Error("The README installs another version.");
  run(
    "npm",
    "install",
    "--no-audit",
    "--no-fund",
    "--prefer-offline",
    "--loglevel=error",
    pinned("wrangler"),
    pinned("typescript"),
    pinned("@cloudflare/workers-types"),
    pinned("@types/node"),
  );
  run(install[0] as string, ...install.slice(1), "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error");
  await mkdir(join(project, "src"));
  await writeFile(join(project, "wrangler.toml"), usage("toml"));
  await writeFile(join(project, "src/index.ts"), usage("ts"));
  await writeExamples();
  await layOutPages(project, root);
  // What `npm create cloudflare` writes, and the strictest of it: the library's own types are checked too.
  const compilerOptions = {
    target: "es2022",
    lib: ["es2024", "esnext.disposable"],
    module: "esnext",
    moduleResolution: "bundler",
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    types: ["@cloudflare/workers-types"],
  };
  await writeFile(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["src"] }));
  const types = ["node"];
  const ofService = { compilerOptions: { ...compilerOptions, types }, include: ["service.ts", "client.ts"] };
  await writeFile(join(project, "tsconfig.service.json"), JSON.stringify(ofService));
  await layOutService(project, root);
  await writeFile(join(project, "client.ts"), CLIENT);
}

/** Many requests for one path: each must run alone, under a lease of its own. */
async function tryOut(): Promise<void> {
  // Nothing leaves this machine.
  process.env["CLOUDFLARE_CF_FETCH_ENABLED"] = "false";
  const server = createTestHarness({ workers: [{ configPath: join(project, "wrangler.toml") }] });
  await server.listen();
  try {
    const texts = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const response = await server.fetch("http://localhost/job");
        if (response.status !== 200) throw new Error(`The Worker answered ${response.status}.`);
        return response.text();
      }),
    );
    const leases = new Set(texts.map((text) => text.match(/^did \/job under lease (\d+)\n$/)?.[1]));
    if (leases.size !== 10 || leases.has(undefined)) throw new Error(`Unexpected answers: ${texts.join("")}`);
    console.log(`10 requests ran under 10 leases; the last said: ${texts.at(-1)?.trim()}`);
  } finally {
    await server.close();
  }
}

try {
  await layOut();
  run("npx", "tsc");
  run("npx", "wrangler", "deploy", "--dry-run", "--outdir", "dist");
  await tryOut();
  run("npx", "tsc", "-p", "tsconfig.service.json");
  await tryOutService(project);
  await tryOutDev(project, readme);
} finally {
  await rm(project, { recursive: true, force: true });
}
