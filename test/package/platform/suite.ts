import { cp, readFile, readdir, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { ROOT, folderOf, run } from "./project.ts";

/** The package's entries, and the sources that are their doors. */
export const DOORS = {
  "durable-locks": "index",
  "durable-locks/client": "client",
  "durable-locks/fencing": "fencing",
  "durable-locks/service": "service",
};

/** What vitest is told. `aliases` are the files that stand for the package's entries. */
const configOf = (aliases: Record<string, string>) => `
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [cloudflareTest({ wrangler: { configPath: "./test/wrangler.toml" }, verbose: false })],
  resolve: {
    alias: Object.entries(${JSON.stringify(aliases)}).map(([entry, file]) => ({
      find: new RegExp("^" + entry + "$"),
      replacement: import.meta.dirname + file,
    })),
  },
  test: { include: ["test/**/*.test.ts"], testTimeout: 20_000, maxWorkers: 2, maxConcurrency: 8 },
});
`;

/** Lays out this repository's tests in a folder of the project, at a compatibility date. */
export async function layOutTests(name: string, date: string, aliases: Record<string, string> = {}): Promise<string> {
  const folder = await folderOf(name, { "vitest.config.mts": configOf(aliases) });
  for (const part of ["test", "examples", "docs/correctness.md", "tsconfig.json"])
    await cp(join(ROOT, part), join(folder, part), { recursive: true });
  const config = await readFile(join(ROOT, "test/wrangler.toml"), "utf8");
  const dated = config.replace(/^compatibility_date = .*$/m, `compatibility_date = "${date}"`);
  await writeFile(join(folder, "test/wrangler.toml"), dated);
  return folder;
}

/** Runs some of these tests; how many files and tests have passed is the answer. */
export async function runTests(folder: string, files: string[]): Promise<{ files: number; tests: number }> {
  const output = stripVTControlCharacters(await run(folder, "npx", "vitest", "run", ...files));
  const passed = (what: string) => Number(new RegExp(`^ *${what} +(\\d+) passed`, "m").exec(output)?.[1] ?? 0);
  return { files: passed("Test Files"), tests: passed("Tests") };
}

/** The tests of this repository that import nothing of `src` but the package's doors, directly or by what they import. */
export async function testsOfDoors(): Promise<string[]> {
  const doors = new Set(Object.values(DOORS).map((name) => join(ROOT, `src/${name}.ts`)));
  const files = await readdir(join(ROOT, "test"), { recursive: true });
  const tests = files.filter(
    (file) =>
      file.endsWith(".test.ts") &&
      !/^((cli|inspector|package)\/|integration\/(isolate|openapi|process|skew|sockets)\/)/.test(file),
  );
  const chosen: string[] = [];
  for (const test of tests) {
    const sources = (await importsOf(join(ROOT, "test", test))).filter((file) => file.startsWith(join(ROOT, "src/")));
    if (sources.every((source) => doors.has(source))) chosen.push(join("test", test));
  }
  return chosen;
}

/** Every file that a file imports, down to the sources; what is imported for its types only is not there when it runs. */
async function importsOf(file: string, found = new Set<string>()): Promise<string[]> {
  if (found.has(file)) return [];
  found.add(file);
  if (relative(join(ROOT, "test"), file).startsWith("..") && file.startsWith(join(ROOT, "src/"))) return [...found];
  const text = await readFile(file, "utf8");
  for (const [, statement, dynamic] of text.matchAll(
    /^(?:import|export) (?!type )[^;]*?from "(\.[^"]+)"|import\("(\.[^"]+)"\)/gms,
  )) {
    const path = (statement ?? dynamic ?? "").replace(/\?raw$/, "");
    if (path.endsWith(".ts")) await importsOf(resolve(dirname(file), path), found);
  }
  return [...found];
}
