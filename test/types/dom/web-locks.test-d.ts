// Compiled and not run, with the DOM's types and without Cloudflare's: code for navigator.locks takes ours.
import type { WebLockManager } from "../../../src/toolkit/web-locks/web-lock-manager.ts";

declare const ours: WebLockManager;

const standard: LockManager = ours;

async function writtenForBrowsers(locks: LockManager): Promise<number> {
  const { held = [] } = await locks.query();
  await locks.request("name", { mode: "shared", signal: AbortSignal.timeout(5) }, async (lock) => lock?.name);
  return locks.request("name", { ifAvailable: true }, (lock) => (lock ? held.length : -1));
}

void standard;
void writtenForBrowsers(ours);
