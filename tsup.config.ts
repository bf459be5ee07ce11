import { readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { defineConfig, type Options } from "tsup";

type Plugin = NonNullable<Options["esbuildPlugins"]>[number];

/** `import text from "./file?raw"`, as Vite has it. */
const raw: Plugin = {
  name: "raw",
  setup(build) {
    build.onResolve({ filter: /\?raw$/ }, ({ path, importer }) => ({
      path: join(dirname(importer), path),
      namespace: "raw",
    }));
    build.onLoad({ filter: /.*/, namespace: "raw" }, async ({ path }) => ({
      // Only now without its end: by the file's own name, tsup would take a style sheet for one of its own.
      contents: await readFile(path.slice(0, -"?raw".length), "utf8"),
      loader: "text",
    }));
  },
};

const common = { format: ["esm"], target: "es2022", sourcemap: true, external: [/^cloudflare:/] } satisfies Options;

// Names `AsyncDisposable` and `Symbol.asyncDispose` for projects whose `lib` lacks them, as the template of create-cloudflare.
const banner = '/// <reference lib="esnext.disposable" />';

// Here and not by `clean`: these are built at the same time, and what cleans up late removes the types of another.
await rm(join(import.meta.dirname, "dist"), { recursive: true, force: true });

export default defineConfig([
  {
    ...common,
    entry: { index: "src/index.ts", fencing: "src/fencing.ts" },
    platform: "neutral",
    // With the types of the service, so that `DurableLock` is one class to both: of two, neither is assignable to the other.
    dts: { entry: { index: "src/index.ts", fencing: "src/fencing.ts", service: "src/service.ts" }, banner },
  },
  {
    ...common,
    // Apart from the rest: neither it nor its types may lead to anything of Cloudflare.
    entry: ["src/client.ts"],
    platform: "neutral",
    dts: { banner },
  },
  {
    ...common,
    // Its router and schemas come along: who only locks installs none of them.
    entry: { service: "src/service.ts", worker: "src/service/worker.ts" },
    platform: "neutral",
    mainFields: ["module", "main"],
    noExternal: [/^(?!cloudflare:)/],
    esbuildPlugins: [raw],
    minify: true,
    // Maps of minified code that nobody steps through would be two thirds of the package.
    sourcemap: false,
    splitting: false,
  },
  { ...common, entry: { cli: "src/cli/cli.ts" }, platform: "node", target: "node22" },
]);
