import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import ts from "typescript";
import { type Import, circleOf, imports, sources } from "../../tools/imports.ts";
import { LAYERS, type ImportKind, configuration, mayImport, placeOf } from "../../tools/layers.ts";

const ROOT = join(import.meta.dirname, "../..");
const PLACES = Object.keys(LAYERS);
/** Of all files of src. */
const IMPORTS = imports();
const isFile = (place: string) => place.endsWith(".ts");
const show = ({ from, to, kind }: Import) => `${from} -> ${to} (${kind})`;

const folder = mkdtempSync(join(tmpdir(), "layers-"));
after(() => rmSync(folder, { recursive: true }));

test("No file of src imports in a circle, types included.", () => {
  assert.ok(IMPORTS.length > 400, "the imports were found");
  assert.equal(circleOf(IMPORTS), undefined);
});

test("No folder of src imports in a circle, types included, so all imports go downward.", () => {
  const between = IMPORTS.map(({ from, to }) => ({ from: known(from), to: known(to) })).filter(
    ({ from, to }) => from !== to,
  );
  assert.equal(circleOf(between), undefined);
});

test("Each file of src imports only what the list allows its folder.", () => {
  const refused = IMPORTS.filter(({ from, to, kind }) => !mayImport(known(from), known(to), kind));
  assert.deepEqual(refused.map(show), []);
});

test("A circle of two, and one of three, are found.", () => {
  const pairs = (text: string) => text.split(" ").map((pair) => ({ from: pair.charAt(0), to: pair.charAt(1) }));
  assert.deepEqual(circleOf(pairs("ab ac bc")), undefined);
  assert.deepEqual(circleOf(pairs("ab ba")), ["a", "b", "a"]);
  assert.deepEqual(circleOf(pairs("xa ab bc ca")), ["a", "b", "c", "a"]);
});

test("The doors of the package hold no code of their own.", () => {
  const doors = sources().filter((file) => !file.includes("/") && file !== "errors.ts");
  assert.deepEqual(doors, ["client.ts", "fencing.ts", "index.ts", "service.ts", "shared.ts"]);
  for (const door of doors) {
    const tree = ts.createSourceFile(door, readFileSync(join(ROOT, "src", door), "utf8"), ts.ScriptTarget.Latest);
    assert.ok(tree.statements.every(ts.isExportDeclaration), door);
  }
});

test("The linter's configuration is what tools/layers.ts makes of the list.", () => {
  const now = JSON.parse(readFileSync(join(ROOT, ".oxlintrc.json"), "utf8")) as unknown;
  assert.deepEqual(now, JSON.parse(configuration()), "run `node tools/layers.ts` and `npm run format`");
});

test("The table of layers in docs/how-it-works.md names every folder, and no other.", () => {
  const page = readFileSync(join(ROOT, "docs/how-it-works.md"), "utf8");
  const named = [...page.matchAll(/^\| `src\/([\w./-]+?)\/?` \|/gm)].map(([, name]) => name);
  const there = readdirSync(join(ROOT, "src"), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const { name } of there) assert.ok(named.includes(name), `src/${name} is missing`);
  for (const name of named) assert.ok(name === undefined || PLACES.includes(name), `src/${name} is not in the list`);
});

test("Each walk of docs/how-it-works.md leads through files that are there and joined, and is not longer than it says.", () => {
  const page = readFileSync(join(ROOT, "docs/how-it-works.md"), "utf8");
  const [, section = ""] = page.split("## Five walks through the code\n");
  const walks = [
    ...(section.split("\n## ")[0] ?? "").matchAll(/^\d\. \*\*(.+?)\*\* \(at most (\d+) files\): (.+?)\.$/gms),
  ];
  assert.equal(walks.length, 5);
  for (const [, walk, most, list = ""] of walks) {
    const files = [...list.matchAll(/`([\w/-]+)`/g)].map(([, name]) => `${name}.ts`);
    assert.ok(files.length <= Number(most), `${walk}: ${files.length} files`);
    const isJoined = (file: string) =>
      IMPORTS.some(
        ({ from, to }) => from !== to && files.includes(from) && files.includes(to) && [from, to].includes(file),
      );
    for (const file of files) assert.ok(sources().includes(file) && isJoined(file), `${walk}: ${file}`);
  }
});

test("The linter refuses one forbidden import of each forbidden pair, and none that is allowed.", async () => {
  const probes = PLACES.flatMap((from) => PLACES.flatMap((to) => (from === to ? [] : probesOf(from, to))));
  const outside = PLACES.map((from) => packageProbeOf(from));
  for (const { file, text } of [...probes, ...outside]) write(file, text);
  const refused = await refusedFiles();
  const wrong = [...probes, ...outside].filter(({ file, isAllowed }) => refused.has(file) === isAllowed);
  assert.deepEqual(
    wrong.map(({ file, text, isAllowed }) => `${file}: ${text} ${isAllowed ? "is refused" : "passes"}`),
    [],
  );
  const forbidden = probes.filter(({ isAllowed }) => !isAllowed);
  assert.ok(forbidden.length > 500, `${forbidden.length} forbidden imports were tried`);
});

interface Probe {
  file: string;
  text: string;
  isAllowed: boolean;
}

/** The place of a file in the list. */
function known(file: string): string {
  const place = placeOf(file);
  assert.ok(place !== undefined, `src/${file} is in no folder of the list`);
  return place;
}

/** One import of each kind, from the top of a folder and from a part of it. */
function probesOf(from: string, to: string): Probe[] {
  const target = isFile(to) ? to : `${to}/target.ts`;
  const homes = isFile(from) ? [from] : [from, `${from}/part`];
  const kinds: ImportKind[] = ["code", "types", "raw"];
  return homes.flatMap((home) =>
    kinds.map((kind) => {
      const name = `${from}-${to}-${kind}`.replaceAll(/[/.]/g, "_");
      const file = isFile(home) ? `${name}/src/${home}` : `all/src/${home}/${name}.ts`;
      return { file, text: statement(file, target, kind), isAllowed: mayImport(from, to, kind) };
    }),
  );
}

function statement(file: string, target: string, kind: ImportKind): string {
  const path = relative(dirname(file), join(file.replace(/\/src\/.*/, ""), "src", target));
  const specifier = `${path.startsWith(".") ? path : `./${path}`}${kind === "raw" ? "?raw" : ""}`;
  return kind === "types" ? `export type { X } from "${specifier}";` : `export { x } from "${specifier}";`;
}

function packageProbeOf(from: string): Probe {
  const file = isFile(from)
    ? `cloudflare_${from.replaceAll(/[/.]/g, "_")}/src/${from}`
    : `all/src/${from}/cloudflare.ts`;
  const isAllowed = LAYERS[from]?.packages?.includes("cloudflare:workers") === true;
  return { file, text: `export { x } from "cloudflare:workers";`, isAllowed };
}

function write(file: string, text: string): void {
  const path = join(folder, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${text}\n`);
}

/** The probes that break a rule of layers, by the rules of this repository. */
async function refusedFiles(): Promise<Set<string>> {
  const { overrides } = JSON.parse(configuration()) as { overrides: { files: string[]; rules: object }[] };
  const rules = overrides.filter((one) => "no-restricted-imports" in one.rules);
  const config = {
    plugins: [],
    categories: {},
    overrides: rules.map((one) => ({ ...one, files: one.files.map((file) => `*/${file}`) })),
  };
  writeFileSync(join(folder, ".oxlintrc.json"), JSON.stringify(config));
  const oxlint = join(ROOT, "node_modules/.bin/oxlint");
  const options = { cwd: folder, maxBuffer: 1e9 };
  const { stdout } = await promisify(execFile)(oxlint, ["--format", "json", "."], options).catch(
    (failed: { stdout: string }) => failed,
  );
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: { code: string; filename: string }[] };
  return new Set(
    diagnostics.filter(({ code }) => code.includes("no-restricted-imports")).map(({ filename }) => filename),
  );
}
