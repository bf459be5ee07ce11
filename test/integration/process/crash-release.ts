// Crash release between real processes: a holder that is killed, and one whose connection is cut while it lives.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { LockStatus } from "../../../src/core/replies.ts";
import type { LeaseGrant } from "../../../src/toolkit/lock.ts";
import { type Dev, Rig } from "./rig.ts";

/** Far more time than the test needs: it may fail, but must never hang. */
const AT_MOST = 150_000;
const HOST = "durable-locks-host";

const binding = (name: string, className: string, script?: string) => ({
  name,
  class_name: className,
  ...(script !== undefined && { script_name: script }),
});
const bindings = (script?: string) => ({
  durable_objects: { bindings: [binding("DURABLE_LOCK", "DurableLock", script), binding("LEDGER", "Ledger", script)] },
});

interface Lost {
  lease: number;
  reason: string;
}

/** Asks until the answer is as expected; returns how long that took, in milliseconds. */
async function until<T>(ask: () => Promise<T>, isSo: (answer: T) => boolean): Promise<number> {
  const since = performance.now();
  let last: unknown;
  for (let elapsed = 0; elapsed < 30_000; elapsed = performance.now() - since) {
    try {
      const answer = await ask();
      last = JSON.stringify(answer);
      if (isSo(answer)) return performance.now() - since;
    } catch (error) {
      last = error;
    }
    await sleep(5);
  }
  throw new Error(`It was not so in time: ${String(last)}`);
}

const isLocked = (dev: Dev, id: string) => dev.ask<boolean>(`/isLocked?id=${id}`);
const isTrue = (answer: boolean) => answer;
const isFalse = (answer: boolean) => !answer;

/** Lets the client hold a lock of the given id; `lost` settles when the lease is lost. */
async function hold(client: Dev, id: string, releaseOnExit: boolean): Promise<{ lost: Promise<Lost | undefined> }> {
  const lost = client.ask<Lost>(`/hold?id=${id}&releaseOnExit=${releaseOnExit}`).catch(() => undefined);
  // The client is asked, because the lock is taken before the exit watch is set up.
  await until(() => client.ask<boolean>(`/isHeld?id=${id}`), isTrue);
  return { lost };
}

/** Puts the host itself in the queue. */
async function queue(id: string): Promise<{ granted: Promise<LeaseGrant> }> {
  const granted = host.ask<LeaseGrant>(`/acquire?id=${id}&ttl=60000&wait=20000`);
  granted.catch(() => {});
  const isQueued = ({ waiters }: LockStatus) => waiters?.length === 1;
  await until(() => host.ask<LockStatus>(`/status?id=${id}`), isQueued);
  return { granted };
}

async function killedHolder(client: Dev): Promise<void> {
  await hold(client, "killed", true);
  await hold(client, "killed-with-waiter", true);
  await hold(client, "killed-unbound", false);
  const { granted } = await queue("killed-with-waiter");
  client.kill();
  const killedAt = performance.now();
  const freedAfter = await until(() => isLocked(host, "killed"), isFalse);
  const grant = await granted;
  const grantedAfter = performance.now() - killedAt;
  console.log(`killed: free after ${Math.round(freedAfter)} ms, the waiter granted by ${Math.round(grantedAfter)} ms`);
  assert.equal(grant?.success, true);
  assert.ok(freedAfter < 1_000);
  assert.ok(grantedAfter < 1_000);
  await sleep(Math.max(0, killedAt + 1_000 - performance.now()));
  assert.equal(await isLocked(host, "killed-unbound"), true);
  console.log("killed, not releaseOnExit: still held after 1 s, as it will be until its ttl has ended");
}

/** The risk: to the lock, a cut connection looks like the death of the holder. */
async function cutHolder(client: Dev, cut: () => Promise<void>): Promise<void> {
  const { lost } = await hold(client, "cut", true);
  await hold(client, "cut-unbound", false);
  const { granted } = await queue("cut");
  const cutAt = performance.now();
  await cut();
  const grant = await granted;
  console.log(`cut: the waiter was granted by ${Math.round(performance.now() - cutAt)} ms, though the holder lives`);
  const told = await lost;
  console.log(`cut: the holder knew by ${Math.round(performance.now() - cutAt)} ms: ${told?.reason}`);
  assert.match(told?.reason ?? "", /^LeaseLostError: .* connection/);
  assert.ok(grant && told && grant.lease > told.lease);
  assert.equal(await host.ask(`/write?id=cut&lease=${grant.lease}`), true);
  assert.equal(await client.ask(`/write?id=cut&lease=${told.lease}`), false);
  console.log("cut: its late write was refused by the fencing token");
  assert.equal(await isLocked(host, "cut-unbound"), true);
  console.log("cut, not releaseOnExit: still held");
}

setTimeout(() => assert.fail(`The test did not end within ${AT_MOST} ms.`), AT_MOST).unref();
process.once("SIGINT", () => process.exit(130));
process.once("SIGTERM", () => process.exit(143));
await using rig = await Rig.create();
const host = await rig.start(HOST, "host.ts", {
  ...bindings(),
  migrations: [{ tag: "v1", new_sqlite_classes: ["DurableLock", "Ledger"] }],
});
const wire = await rig.wire(HOST, "wired");
const [killed, wired] = await Promise.all([
  rig.start("killed", "client.ts", bindings(HOST)),
  rig.start("wired", "client.ts", bindings(HOST), "wired"),
]);
for (const client of [killed, wired]) await until(() => isLocked(client, "nobody"), isFalse);
await killedHolder(killed);
await cutHolder(wired, wire.cut);
