// Tries the package on what `npm create cloudflare` gives people today: its wrangler, its test plugin, its compatibility
// date. The versions are pinned in this folder; CONTRIBUTING.md says how to raise them.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { layOut } from "./project.ts";

const project = await layOut();
try {
  const args = ["--test", "--test-concurrency=2", `${import.meta.dirname}/*.test.ts`];
  const tests = spawn(process.execPath, args, { stdio: "inherit", env: { ...process.env, PROJECT: project } });
  [process.exitCode] = (await once(tests, "exit")) as [number | undefined];
} finally {
  await rm(project, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}
