import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, inject, it } from "vitest";

const script = join(import.meta.dirname, "runtime.ts");
const dist = join(import.meta.dirname, "../../../dist");

const RUNTIMES: Record<string, [command: string, ...args: string[]]> = {
  Node: [process.execPath, "--no-warnings"],
  "Bun, if it is installed": ["bun", "run"],
  "Deno, if it is installed": ["deno", "run", "--no-check", "--allow-read", "--allow-net=127.0.0.1"],
};

for (const [name, [command, ...args]] of Object.entries(RUNTIMES))
  it.skipIf(spawnSync(command, ["--version"]).status !== 0)(
    `The built client does its work on ${name} and lets the process end.`,
    async () => {
      const child = spawn(command, [...args, script, inject("url"), inject("token")]);
      const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
      expect({ stdout, stderr, code: child.exitCode }).toMatchObject({ stdout: "all is well\n", code: 0 });
    },
    60_000,
  );

it("The built client and its types import nothing from Cloudflare.", () => {
  const [code, types] = ["client.js", "client.d.ts"].map((file) => readFileSync(join(dist, file), "utf8"));
  const imported = [...`${code}`.matchAll(/^import .*? from "([^"]+)";$/gms)].map(([, from]) => from);
  expect(imported).toEqual(["p-retry", "devalue"]);
  expect(`${code} ${types}`).not.toMatch(/cloudflare:|workers-types|DurableObjectNamespace/);
});
