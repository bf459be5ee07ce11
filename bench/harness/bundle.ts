import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type BuildOptions, type Plugin, build } from "esbuild";
import { ROOT, type Source } from "./source.ts";

/** `import text from "./file?raw"`: the page of the lock service is a text to it. */
const raw: Plugin = {
  name: "raw",
  setup(plugin) {
    plugin.onResolve({ filter: /\?raw$/ }, ({ path, importer }) => ({
      path: join(dirname(importer), path),
      namespace: "raw",
    }));
    plugin.onLoad({ filter: /.*/, namespace: "raw" }, async ({ path }) => ({
      contents: await readFile(path.slice(0, -"?raw".length), "utf8"),
      loader: "text",
    }));
  },
};

/** Bundles a module as a user's bundler would, against one version of this library. */
export async function bundle(source: Source, options: BuildOptions): Promise<string> {
  const { outputFiles } = await build({
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    platform: "neutral",
    mainFields: ["module", "main"],
    external: ["cloudflare:*", "node:*"],
    alias: {
      "durable-locks/client": join(source.path, "client.ts"),
      "durable-locks/service": join(source.path, "service.ts"),
      "durable-locks": join(source.path, "index.ts"),
    },
    // The source at a commit lies outside the repository.
    nodePaths: [join(ROOT, "node_modules")],
    absWorkingDir: ROOT,
    plugins: [raw],
    logLevel: "error",
    ...options,
  });
  return outputFiles?.[0]?.text ?? "";
}
