import { cloudflareTest } from "@cloudflare/vitest-pool-workers";
import { type TestProjectInlineConfiguration, defineConfig } from "vitest/config";

/**
 * The files of a group share runtimes, since to start one for each file takes as long as the tests. A runtime gets slower
 * with each call that was made in it, so no group is large.
 */
const GROUPS: Readonly<Record<string, string[]>> = {
  core: ["unit/core", "unit/wire", "unit/transport", "unit/fencing", "robustness/history"],
  object: ["unit/object"],
  hold: ["unit/hold"],
  callers: ["unit/toolkit", "unit/connect", "examples"],
  toolkit: ["integration/toolkit"],
  http: ["integration/http"],
  service: ["integration/service"],
  others: ["integration/field", "integration/rendezvous", "integration/versions"],
};

/** Each of these files fills a runtime of its own. */
const ALONE = ["contract", "robustness/fuzz", "robustness/stress"];

/** Packages that are loaded as one file each instead of hundreds. */
const PACKAGES = [
  "@hono/zod-openapi",
  "devalue",
  "fast-check",
  "hono",
  "hono/body-limit",
  "hono/http-exception",
  "p-retry",
  "zod",
];

const inTests = (folders: string[]) => folders.map((folder) => `test/${folder}/**/*.test.ts`);

/** Tests that run in workerd. With `isolate` each file has a runtime of its own. */
export function workerdProject(name: string, include: string[], isolate: boolean): TestProjectInlineConfiguration {
  return {
    // verbose: false hides what workerd prints of exceptions that the tests provoke.
    plugins: [cloudflareTest({ wrangler: { configPath: "./test/wrangler.toml" }, verbose: false })],
    // The examples import the package by its name, as their readers will.
    resolve: {
      alias: {
        "durable-locks/client": new URL("./src/client.ts", import.meta.url).pathname,
        "durable-locks/service": new URL("./src/service.ts", import.meta.url).pathname,
        "durable-locks/fencing": new URL("./src/fencing.ts", import.meta.url).pathname,
        "durable-locks": new URL("./src/index.ts", import.meta.url).pathname,
      },
    },
    test: {
      name,
      isolate,
      include,
      deps: { optimizer: { ssr: { enabled: true, include: PACKAGES } } },
      testTimeout: 20_000,
      maxConcurrency: 8,
    },
  };
}

export default defineConfig({
  test: {
    projects: [
      ...Object.entries(GROUPS).map(([name, folders]) => workerdProject(name, inTests(folders), false)),
      workerdProject("alone", inTests(ALONE), true),
    ],
    // Two files side by side: most of a test is waiting. More would make timers late on a machine with two cores.
    maxWorkers: 2,
  },
});
