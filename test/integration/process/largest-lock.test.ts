// The largest lock that the limits allow: 10,000 leases, with ids and owners of 512 bytes, each slot used many times. An
// isolate has 128 MB for everything, so such a lock must need far less, or it could never start again.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

test("G9: The largest lock starts from its rows, uses every slot again and is forgotten, in a heap of 64 MB.", async () => {
  const script = join(import.meta.dirname, "largest-lock.ts");
  const args = ["--no-warnings", "--expose-gc", "--max-old-space-size=64", script];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const kept = JSON.parse(stdout) as Record<"started" | "used" | "forgotten", number>;
  assert.ok(kept.started < 32, stdout);
  assert.ok(kept.used < 32, stdout);
  // The ids of the past requests stay in memory, so that a late duplicate is recognised also after a clean-up.
  assert.ok(kept.forgotten < 16, stdout);
});
