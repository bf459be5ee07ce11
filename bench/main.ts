// The benchmarks: `npm run bench`. docs/benchmarks.md says what is measured and how to read it.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

// The peers have a package.json of their own, so that a user's install of the library stays small.
if (!existsSync(join(import.meta.dirname, "node_modules")))
  execFileSync("npm", ["ci", "--prefix", import.meta.dirname, "--no-audit", "--no-fund"], { stdio: "inherit" });
const { run } = await import("./command/run.ts");
process.exitCode = await run(process.argv.slice(2));
