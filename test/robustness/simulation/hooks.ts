import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";

const STAND_IN = new URL("./cloudflare-workers.ts", import.meta.url).href;
const SOURCE = new URL("../../../src/", import.meta.url).href;

/** Lets the shipped source run here, as `change` makes it; to be called before any of it is imported. */
export function loadSource(change: (file: string, source: string) => string): void {
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === "cloudflare:workers" ? { url: STAND_IN, shortCircuit: true } : next(specifier, context),
    load: (url, context, next) => {
      if (!url.startsWith(SOURCE)) return next(url, context);
      const source = readFileSync(fileURLToPath(url), "utf8");
      const changed = change(url.slice(SOURCE.length), source);
      return changed === source
        ? next(url, context)
        : { format: "module-typescript", source: changed, shortCircuit: true };
    },
  });
}
