// Chaos: processes with the shipped HTTP client call the shipped service on local workerd with its storage on disk, while
// processes are killed and stopped and connections cut. What happened must be explained by a correct lock. In the last third
// all calls go through Debian's HAProxy, which ends a request after some seconds.
//
//   npm run build && npm run chaos -- --minutes 10
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { connectLocks } from "../../../src/client.ts";
import { Children } from "../../support/node/children.ts";
import { isInstalled, startProxy } from "../../support/node/debian-proxy.ts";
import { FaultProxy } from "../../support/node/fault-proxy.ts";
import { startService, TOKEN } from "../../support/node/service.ts";
import { judge } from "../history/check.ts";
import { type Entry, ofKind } from "../history/records.ts";
import { Clients } from "./clients.ts";
import { Faults } from "./faults.ts";
import { now, readJournals } from "./journal.ts";
import { FENCED, OTHERS, UNFENCED, UNRELIABLE } from "./locks.ts";
import { Resource } from "./resource.ts";

const CLIENTS = 5;

/** After so long HAProxy gives a request up, in milliseconds: after CUT_AFTER, so that the client learns how long a poll may take. */
const PROXY_TIMEOUT = 5_500;

/** Clocks that show whole milliseconds, at both ends. */
const TOLERANCE = 5;

/** The longest ttl, the longest wait of a caller that died, and time to spare. */
const FREE_WITHIN = 30_000;

interface Outcome {
  history: Entry[];
  faults: Map<string, number>;
  operations: Map<string, number>;
  /** What went wrong that is not in the history. */
  wrong: string[];
}

async function run(folder: string, duration: number): Promise<Outcome> {
  await using service = await startService();
  await using children = new Children(folder);
  await using ways = new AsyncDisposableStack();
  using resource = new Resource(folder);
  let url = service.url;
  const portOf = () => Number(new URL(url).port);
  const onFault = (what: string) => faults.count(what);
  using clients = new Clients({ folder, children, portOf, token: TOKEN, onFault });
  const faults = new Faults(clients, service.server);
  await clients.start(CLIENTS);
  const hasProxy = isInstalled("haproxy");
  await faults.run(now() + duration * (hasProxy ? 2 / 3 : 1));
  const straight = total(clients.outcomes);
  if (hasProxy) {
    // Connections are cut behind HAProxy too, where no client sees it.
    const behind = ways.use(await FaultProxy.to(service.url, { onFault }));
    url = ways.use(await startProxy("haproxy", behind.url, PROXY_TIMEOUT)).url;
    faults.spread(behind);
    clients.reconnect();
    await faults.run(now() + duration / 3);
  }
  const stuck = await clients.finish();
  console.log(`operations through HAProxy: ${total(clients.outcomes) - straight}`);
  const held = await heldFor(service.url);
  const history = [...readJournals(folder), ...faults.pauses, ...resource.read(UNFENCED)];
  const wrong = [
    ...stuck.map((name) => `${name} did not come to an end.`),
    ...clients.failed.map((name) => `${name} failed.`),
    ...held.map((id) => `Lock ${id} is still held or waited for.`),
  ];
  return { history, faults: faults.counts, operations: clients.outcomes, wrong };
}

/** Nothing leaks: after all clients are gone, every lock is free and has no waiters. Returns the locks that aren't. */
async function heldFor(url: string): Promise<string[]> {
  const { lock } = connectLocks({ url, token: TOKEN });
  const until = now() + FREE_WITHIN;
  let held = [...FENCED, ...UNFENCED, ...OTHERS, ...UNRELIABLE];
  while (held.length > 0 && now() < until) {
    const states = await Promise.all(held.map((id) => lock(id).status()));
    held = held.filter((_, n) => states[n]?.locked || states[n]?.waiters.length);
    await sleep(50);
  }
  return held;
}

function total(counts: Map<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

function print(name: string, counts: Map<string, number>): void {
  const parts = [...counts].map(([what, count]) => `${what} ${count}`).sort((a, b) => a.localeCompare(b));
  console.log(`${name}: ${total(counts)} (${parts.join(", ")})`);
}

/** Prints what a run came to; whether all is well. */
function report({ history, faults, operations, wrong }: Outcome): boolean {
  const { violations, late } = judge(history, TOLERANCE);
  const writes = ofKind(history, "write");
  const sections = ofKind(history, "section");
  const count = <T>(entries: T[], is: (entry: T) => unknown) => entries.filter(is).length;
  print("faults", faults);
  print("operations", operations);
  const calls = history.filter((entry) => "invoked" in entry && entry.kind !== "asked").length;
  console.log(
    `calls: ${calls}, leases: ${new Set(ofKind(history, "acquire").map(({ lock, lease }) => lease && lock + lease)).size}`,
  );
  console.log(`sections: ${sections.length}, lost leases: ${count(sections, ({ lost }) => lost)}`);
  console.log(`writes: ${writes.length}, refused by the fence: ${count(writes, ({ accepted }) => !accepted)}`);
  const [paused, stalled] = (["paused", "stalled"] as const).map((kind) => count(late, ({ why }) => why === kind));
  console.log(`unfenced steps that came late: ${paused} of paused holders, ${stalled} of stalled ones`);
  console.log(`violations: ${violations.length + wrong.length}`);
  for (const { guarantee, lock, message } of violations.slice(0, 20)) console.log(`  ${guarantee} ${lock}: ${message}`);
  for (const what of wrong) console.log(`  ${what}`);
  return violations.length + wrong.length === 0;
}

const { values } = parseArgs({ options: { minutes: { type: "string" }, seconds: { type: "string" } } });
const seconds = Number(values.minutes ?? 0) * 60 + Number(values.seconds ?? (values.minutes ? 0 : 60));
if (!(seconds > 0)) throw new Error("Say how long: --seconds 60, or --minutes 10.");
for (const [name, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const)
  process.once(name, () => process.exit(code));
const folder = mkdtempSync(join(tmpdir(), "durable-locks-chaos-"));
let isKept = false;
process.once("exit", () => {
  if (!isKept) rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});
const outcome = await run(folder, seconds * 1_000);
isKept = !report(outcome);
if (isKept) {
  writeFileSync(join(folder, "history.json"), JSON.stringify(outcome.history));
  console.log(`The history is ${join(folder, "history.json")}.`);
  process.exitCode = 1;
}
