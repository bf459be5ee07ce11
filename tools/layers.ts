// What each folder of src may import, and the linter's rules for it.
//
//   node tools/layers.ts   writes the rules into .oxlintrc.json
//
// docs/how-it-works.md says what the folders are for. The linter's patterns don't support look-ahead, so the rules name
// everything that is not allowed.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What a place may import besides itself. A folder does not include those of its parts that have their own rules. */
export interface Layer {
  code: readonly string[];
  /** Places from which it may import only types. */
  types?: readonly string[];
  /** Places whose files it may import as text, with `?raw`. */
  raw?: readonly string[];
  /** Packages and modules of the runtime, as patterns. */
  packages?: readonly string[];
}

const BELOW = ["core", "errors.ts"];
const TRANSPORTS = ["transport", "transport/rpc", "transport/http"];
const SERVICE = ["transport", "transport/rpc", "wire", ...BELOW];
const HONO = ["hono", "hono/.*", "@hono/zod-openapi"];

/** The rules of each place, the lowest first. */
export const LAYERS: Readonly<Record<string, Layer>> = {
  "errors.ts": { code: [] },
  core: { code: ["errors.ts"], packages: ["@noble/hashes/sha2.js"] },
  wire: { code: BELOW, packages: ["devalue"] },
  "object/platform.ts": { code: [], packages: ["cloudflare:workers"] },
  object: { code: ["object/platform.ts", "wire", ...BELOW] },
  transport: { code: BELOW, packages: ["p-retry"] },
  "transport/rpc": { code: ["transport", ...BELOW], types: ["object"] },
  "transport/http": { code: ["transport", "wire", ...BELOW] },
  hold: { code: ["transport", ...BELOW] },
  toolkit: { code: ["hold", "transport", ...BELOW] },
  connect: { code: ["toolkit", ...TRANSPORTS, ...BELOW] },
  fencing: { code: BELOW },
  service: { code: SERVICE, types: ["object"], raw: ["inspector"], packages: HONO },
  "service/worker.ts": { code: ["service", "object", ...SERVICE] },
  inspector: { code: [], types: ["wire", "core"] },
  cli: { code: ["client.ts"], packages: ["node:.*"] },
  "fencing.ts": { code: ["fencing", "errors.ts"] },
  "shared.ts": { code: ["fencing.ts", "toolkit", "hold", "transport", ...BELOW] },
  "client.ts": { code: ["shared.ts", "connect", "transport/http"] },
  "service.ts": { code: ["service", "object"], types: ["transport/rpc"] },
  "index.ts": { code: ["shared.ts", "connect", "toolkit", "fencing", "object", "transport/rpc", "core"] },
};

/** The message of every rule that this file writes. */
const MESSAGE = "See the table of layers in docs/how-it-works.md, and tools/layers.ts.";

const CONFIGURATION = join(import.meta.dirname, "../.oxlintrc.json");
const PLACES = Object.keys(LAYERS);
const isFile = (place: string) => place.endsWith(".ts");

/** The place that a file of src belongs to: the innermost one that has rules. */
export function placeOf(file: string): string | undefined {
  return PLACES.filter((place) => file === place || file.startsWith(`${place}/`)).toSorted(
    (one, other) => other.length - one.length,
  )[0];
}

/** How one file imports another. */
export type ImportKind = "code" | "types" | "raw";

/** Whether a place may import something from another. */
export function mayImport(from: string, to: string, kind: ImportKind): boolean {
  const { code, types = [], raw = [] } = LAYERS[from] as Layer;
  if (kind === "raw") return raw.includes(to);
  return from === to || code.includes(to) || (kind === "types" && types.includes(to));
}

/** An entry of `no-restricted-imports`. */
interface Pattern {
  regex: string;
  allowTypeImports?: true;
  message: string;
}

/** How an import names a place, after the `../`. For a folder with parts that have own rules, only its top. */
function nameOf(place: string, from: string): string {
  const parts = PLACES.filter((other) => other.startsWith(`${place}/`) && !isFile(other));
  const [folder, ...part] = place.split("/");
  const escaped = place.replaceAll(".", "\\.");
  const end = isFile(place) ? "$" : "/";
  // An import from the same folder does not name that folder.
  if (part.length > 0 && folder === from.split("/")[0])
    return `(${folder}/)?${part.join("/").replaceAll(".", "\\.")}${end}`;
  if (isFile(place) || part.length > 0) return `${escaped}${end}`;
  if (parts.length > 0) return `${escaped}/[^/]+$`;
  return (LAYERS[from] as Layer).raw?.includes(place) ? `${escaped}/[^?]*$` : `${escaped}/`;
}

function patternsOf(from: string): Pattern[] {
  const isOwn = (place: string) => from.startsWith(`${place}/`);
  const denied = PLACES.filter((place) => place !== from && !isOwn(place) && !mayImport(from, place, "code"));
  const unknown = denied.filter((place) => !mayImport(from, place, "types"));
  const byType = denied.filter((place) => mayImport(from, place, "types"));
  const regexOf = (places: string[]) => `^(\\./)?(\\.\\./)*(${places.map((place) => nameOf(place, from)).join("|")})`;
  const hasForbiddenParts = PLACES.some((place) => isOwn(place) && !mayImport(from, place, "code"));
  return [
    ...(hasForbiddenParts ? [{ regex: "^\\./", message: MESSAGE }] : []),
    ...(unknown.length > 0 ? [{ regex: regexOf(unknown), message: MESSAGE }] : []),
    ...(byType.length > 0 ? [{ regex: regexOf(byType), allowTypeImports: true as const, message: MESSAGE }] : []),
    { regex: `^(${packagesDeniedTo(from).join("|")})$`, message: MESSAGE },
    { regex: textsDeniedTo(from), message: MESSAGE },
  ];
}

/** The pattern of what a place must not import as text. */
function textsDeniedTo(from: string): string {
  const { raw = [] } = LAYERS[from] as Layer;
  if (raw.length === 0) return "\\?raw$";
  const others = PLACES.filter((place) => !raw.includes(place) && place !== from).map((place) =>
    nameOf(place, from).replace(/\$$/, ""),
  );
  return `^(\\./)?(\\.\\./)*(${others.join("|")}).*\\?raw$`;
}

/** The packages denied to a place: Cloudflare's, and every package that some other place may use. */
function packagesDeniedTo(from: string): string[] {
  const { packages: allowed = [] } = LAYERS[from] as Layer;
  const known = Object.values(LAYERS).flatMap(({ packages = [] }) => packages);
  return [...new Set([...known, "cloudflare:.*"])].filter(
    (one) => !allowed.includes(one) && !(one === "cloudflare:.*" && allowed.includes("cloudflare:workers")),
  );
}

/** The linter's overrides, the general ones first: the last one that matches a file decides. */
function overrides(): { files: string[]; rules: Record<string, unknown> }[] {
  const depth = (place: string) => place.split("/").length;
  return PLACES.toSorted((one, other) => depth(one) - depth(other)).map((place) => ({
    files: [isFile(place) ? `src/${place}` : `src/${place}/**`],
    rules: { "no-restricted-imports": ["error", { patterns: patternsOf(place) }] },
  }));
}

/** The linter's configuration, with the rules of this file. */
export function configuration(): string {
  const now = JSON.parse(readFileSync(CONFIGURATION, "utf8")) as { overrides: { rules: Record<string, unknown> }[] };
  const others = now.overrides.filter(({ rules }) => !("no-restricted-imports" in rules));
  return JSON.stringify({ ...now, overrides: [...overrides(), ...others] }, undefined, 2);
}

if (process.argv[1] === import.meta.filename) writeFileSync(CONFIGURATION, configuration());
