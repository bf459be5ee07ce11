import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { redisVersion } from "./redis.ts";
import { ROOT } from "./source.ts";

/** What a stored run says about the machine: enough to judge the absolute figures, nothing that names it. */
export interface Machine {
  cores: number;
  processor: string;
  memory: string;
  versions: Record<string, string>;
  commit: string;
  date: string;
}

export function machine(): Machine {
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, "bench/package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  const {
    "redlock-universal": redlock = "",
    "redis-semaphore": semaphore = "",
    "async-mutex": mutex = "",
  } = dependencies;
  const workerd = createRequire(import.meta.filename)("workerd/package.json") as { version: string };
  return {
    cores: cpus().length,
    processor: cpus()[0]?.model ?? "unknown",
    memory: `${Math.round(totalmem() / 1e9)} GB`,
    versions: {
      node: process.versions.node,
      workerd: workerd.version,
      redis: redisVersion() ?? "none",
      "redlock-universal": redlock,
      "redis-semaphore": semaphore,
      "async-mutex": mutex,
    },
    commit: execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: ROOT }).toString().trim(),
    date: new Date().toISOString().slice(0, 10),
  };
}
