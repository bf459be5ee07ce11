import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";
import type { Bug } from "./bugs.ts";

const STAND_IN = new URL("./cloudflare-workers.ts", import.meta.url).href;
const SOURCE = new URL("../../src/", import.meta.url).href;

/** Lets the shipped source run here, if asked with a bug put in; to be called before any of it is imported. */
export function loadSource(bug?: Bug): void {
  const unused = new Set(bug?.changes);
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === "cloudflare:workers" ? { url: STAND_IN, shortCircuit: true } : next(specifier, context),
    load: (url, context, next) => {
      const changes = bug?.changes.filter(({ file }) => url === SOURCE + file) ?? [];
      if (changes.length === 0) return next(url, context);
      let source = readFileSync(fileURLToPath(url), "utf8");
      for (const change of changes) {
        if (source.split(change.from).length !== 2) throw new Error(`${change.file}: not found once: ${change.from}`);
        source = source.replace(change.from, () => change.to);
        unused.delete(change);
      }
      return { format: "module-typescript", source, shortCircuit: true };
    },
  });
}
