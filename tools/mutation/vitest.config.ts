import { defineConfig } from "vitest/config";
import { workerdProject } from "../../vitest.config.ts";

// `trials.ts` adds the plugin that puts the mutants into the source.
export default defineConfig(workerdProject("mutants", ["tools/mutation/batch.ts"], true));
