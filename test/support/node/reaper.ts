// Outlives the driver, however the driver ends, and kills what it started. The argument is the folder of the run. The
// driver writes "+pid" and "-pid" to stdin.
import { rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { killGroup } from "./kill.ts";

const [, , folder = ""] = process.argv;
const alive = new Set<number>();
for await (const line of createInterface({ input: process.stdin })) {
  const pid = Number(line.slice(1));
  if (line.startsWith("+")) alive.add(pid);
  else if (line.startsWith("-")) alive.delete(pid);
  else break;
}
for (const pid of alive) killGroup(pid, "SIGKILL");
if (alive.size > 0) rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
