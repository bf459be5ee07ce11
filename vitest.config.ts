import { cloudflareTest } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";

export default defineConfig({
  // verbose: false hides what workerd prints of exceptions that the tests provoke.
  plugins: [cloudflareTest({ wrangler: { configPath: "./test/wrangler.toml" }, verbose: false })],
  // The examples import the package by its name, as their readers will.
  resolve: {
    alias: {
      "durable-locks/client": new URL("./src/client.ts", import.meta.url).pathname,
      "durable-locks/service": new URL("./src/service.ts", import.meta.url).pathname,
      "durable-locks/http": new URL("./src/fencing.ts", import.meta.url).pathname,
      "durable-locks": new URL("./src/index.ts", import.meta.url).pathname,
    },
  },
  test: {
    include: ["test/**/*.test.ts"],
    // Those run in Node.
    exclude: ["test/{cli,inspector,package}/**", "test/integration/{isolate,openapi,process,skew,sockets}/**"],
    testTimeout: 20_000,
    // Two files side by side: most of a test is waiting. More would make timers late on a machine with two cores.
    maxWorkers: 2,
    maxConcurrency: 8,
  },
});
