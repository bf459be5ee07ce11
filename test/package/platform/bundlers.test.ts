import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cp, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import type * as Wrangler from "wrangler";
import { hasBrowser, launch } from "../../inspector/browser.ts";
import { freePort } from "../../support/node/free-port.ts";
import { folderOf, OLDEST, ROOT, run, TODAY } from "./project.ts";

const WORKER = "package/platform/programs/worker.ts";

/** How a Worker of this test is configured. */
function configOf(main: string, more: object = {}): string {
  const bindings = [
    { name: "DURABLE_LOCK", class_name: "DurableLock" },
    { name: "DURABLE_RENDEZVOUS", class_name: "DurableRendezvous" },
  ];
  const migrations = [{ tag: "v1", new_sqlite_classes: bindings.map((binding) => binding.class_name) }];
  const config = { name: "bundled", main, compatibility_date: TODAY, durable_objects: { bindings }, migrations };
  return JSON.stringify({ ...config, ...more });
}

async function layOut(name: string, files: Record<string, string>): Promise<string> {
  const folder = await folderOf(name, files);
  for (const part of ["package/platform/programs", "support/scenario.ts"])
    await cp(join(ROOT, "test", part), join(folder, part), { recursive: true });
  return folder;
}

/** Runs a configured Worker on local workerd for as long as `work` lasts. */
async function serve(configPath: string, work: (url: URL) => Promise<void>): Promise<void> {
  process.env["CLOUDFLARE_CF_FETCH_ENABLED"] = "false";
  const { createTestHarness } = createRequire(configPath)("wrangler") as typeof Wrangler;
  const server = createTestHarness({ workers: [{ configPath }] });
  const { url } = await server.listen();
  try {
    await work(url);
  } finally {
    await server.close();
  }
}

async function play(url: URL | string): Promise<void> {
  assert.equal(await (await fetch(new URL("/play", url))).text(), "all is well");
}

/** Runs `vite preview` for as long as `work` lasts. */
async function preview(folder: string, work: (url: string) => Promise<void>): Promise<void> {
  const port = await freePort();
  const args = ["vite", "preview", "--host", "127.0.0.1", "--port", String(port), "--strictPort"];
  const vite = spawn("npx", args, { cwd: folder, stdio: "inherit", detached: true });
  try {
    const url = `http://127.0.0.1:${port}`;
    for (const since = performance.now(); ; await new Promise((resolve) => setTimeout(resolve, 50))) {
      const answer = await fetch(url).catch(() => undefined);
      if (answer) break;
      if (vite.exitCode !== null || performance.now() > since + 30_000) throw new Error("vite preview did not start.");
    }
    await work(url);
  } finally {
    if (vite.pid !== undefined && vite.exitCode === null) process.kill(-vite.pid, "SIGTERM");
  }
}

async function bundleWithEsbuild(name: string): Promise<string> {
  const folder = await layOut(name, {});
  const options = ["--bundle", "--format=esm", "--external:cloudflare:*", "--outfile=out/worker.js"];
  await run(folder, "npx", "esbuild", WORKER, ...options);
  return folder;
}

test("A Worker that wrangler bundles runs.", async () => {
  const folder = await layOut("wrangler", { "wrangler.jsonc": configOf(WORKER) });
  await serve(join(folder, "wrangler.jsonc"), play);
});

test("A Worker that @cloudflare/vite-plugin builds runs.", async () => {
  const folder = await layOut("vite-worker", {
    "wrangler.jsonc": configOf(WORKER),
    "vite.config.mts":
      'import { cloudflare } from "@cloudflare/vite-plugin";\nexport default { plugins: [cloudflare()] };\n',
  });
  await run(folder, "npx", "vite", "build");
  await preview(folder, play);
});

for (const date of [OLDEST, TODAY])
  for (const flag of ["nodejs_compat", "no_nodejs_compat"])
    test(`A Worker that a bare esbuild bundles runs at ${date} with ${flag}.`, async () => {
      const folder = await bundleWithEsbuild(`esbuild-${date}-${flag}`);
      const more = { no_bundle: true, compatibility_date: date, compatibility_flags: [flag] };
      await folderOf(`esbuild-${date}-${flag}`, { "wrangler.jsonc": configOf("out/worker.js", more) });
      await serve(join(folder, "wrangler.jsonc"), play);
    });

test("A page whose client Vite builds runs in a browser.", { skip: !hasBrowser }, async () => {
  const worker = await layOut("browser-service", { "wrangler.jsonc": configOf(WORKER) });
  await serve(join(worker, "wrangler.jsonc"), async (service) => {
    const folder = await layOut("browser", {
      "index.html":
        '<!doctype html><title>playing</title><script type="module" src="./package/platform/programs/page.ts"></script>',
      "vite.config.mts": `export default { preview: { proxy: { "/v1": "${service.origin}" } } };\n`,
    });
    await run(folder, "npx", "vite", "build");
    const html = await readFile(join(folder, "dist/index.html"), "utf8");
    assert.match(html, /assets\//);
    await preview(folder, async (url) => {
      const browser = await launch();
      try {
        const page = await browser.newPage();
        await page.goto(url);
        await page.waitForFunction(() => document.title !== "playing");
        assert.equal(await page.title(), "all is well");
      } finally {
        await browser.close();
      }
    });
  });
});
