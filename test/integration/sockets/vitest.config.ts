import { defineConfig } from "vitest/config";

// In Node, against the service as it is deployed: build it first.
export default defineConfig({
  root: import.meta.dirname,
  test: {
    include: ["*.test.ts"],
    globalSetup: ["setup.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Most tests only wait, and each test that does harm has its own service.
    maxWorkers: 2,
    maxConcurrency: 12,
  },
});
