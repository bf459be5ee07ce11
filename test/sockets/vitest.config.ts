import { defineConfig } from "vitest/config";

// In Node, against the service as it is deployed: build it first.
export default defineConfig({
  root: import.meta.dirname,
  test: {
    include: ["*.test.ts"],
    globalSetup: ["setup.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    fileParallelism: false,
    maxConcurrency: 12,
  },
});
