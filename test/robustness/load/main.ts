// Load: many clients over HTTP on a few locks of the service in local workerd. Any outcome other than a
// grant or contention is a failure. `npm run build && npm run load -- --seconds 60 --clients 500 --ids 100`
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { History, WRITER } from "../../support/history.ts";
import { freePort } from "../../support/node/free-port.ts";
import { startService, TOKEN } from "../../support/node/service.ts";
import { Heap } from "./heap.ts";
import { Memory, residentOf } from "./memory.ts";
import type { Step, Tally, Task } from "./messages.ts";

/** What clients may get: the lock, or the answer that others hold it. */
const ALLOWED = new Set(["done", "BORROWED", "LOCK_TIMEOUT"]);

/**
 * By which part memory may grow from the third quarter of the time to the last. Short runs only warm up: each lock
 * remembers its last thousand leases.
 */
const GROWTH = 0.25;

/** How often all garbage is collected to see what is left, in milliseconds. */
const COLLECTED = 5_000;

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    clients: { type: "string", default: "500" },
    ids: { type: "string", default: "100" },
    processes: { type: "string", default: String(Math.min(4, availableParallelism())) },
  },
});
const [seconds, clients, ids, processes] = [values.seconds, values.clients, values.ids, values.processes].map(Number);
if (![seconds, clients, ids, processes].every((value) => value !== undefined && value > 0))
  throw new Error("Say how much: --seconds 60 --clients 500 --ids 100 --processes 2.");

const history = new History();
/** How the critical sections that are under way end, by id and lease. */
const ends = new Map<string, () => void>();

/** Sees the critical sections of all processes begin and end. */
function see({ kind, id, lease }: Step): void {
  const section = `${id} ${lease}`;
  if (kind === "enter") return void ends.set(section, history.enter(id, lease, WRITER).leave);
  ends.get(section)?.();
  ends.delete(section);
}

async function tallyOf(child: ChildProcess, task: Task): Promise<Tally> {
  const { promise, resolve, reject } = Promise.withResolvers<Tally>();
  child.on("message", (message: Step | Tally) => {
    if ("outcomes" in message) return resolve(message);
    see(message);
    return child.send({ seen: message.step });
  });
  child.once("exit", (code) => reject(new Error(`A process of clients ended with ${code}.`)));
  child.send(task);
  return promise;
}

function percentiles(name: string, lists: number[][]): void {
  const sorted = Float64Array.from(lists.flat()).sort();
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]?.toFixed(1);
  console.log(`${name}: median ${at(0.5)} ms, 95 % ${at(0.95)}, 99 % ${at(0.99)}, most ${at(1)}`);
}

/** Whether memory has stopped growing. */
function isFlat(name: string, memory: Memory): boolean {
  const quarters = memory.quarters();
  console.log(`${name}, medians of the four quarters: ${quarters.join(", ")} MB`);
  const [, , third = Number.NaN, last = Number.NaN] = quarters;
  return last <= third * (1 + GROWTH);
}

function report(tallies: Tally[]): string[] {
  const outcomes: Record<string, number> = {};
  for (const tally of tallies)
    for (const [kind, count] of Object.entries(tally.outcomes)) outcomes[kind] = (outcomes[kind] ?? 0) + count;
  const total = Object.values(outcomes).reduce((sum, count) => sum + count, 0);
  console.log(`operations: ${total}, ${Math.round(total / (seconds as number))} a second:`, outcomes);
  percentiles(
    "until held",
    tallies.map(({ waits }) => waits),
  );
  percentiles(
    "until released",
    tallies.map(({ rounds }) => rounds),
  );
  console.log(`critical sections: ${history.entered}, lost leases: ${outcomes["LEASE_LOST"] ?? 0}`);
  const wrong = Object.keys(outcomes).filter((kind) => !ALLOWED.has(kind));
  const example = (kind: string) => tallies.find(({ examples }) => examples[kind])?.examples[kind];
  return [...wrong.map((kind) => `${outcomes[kind]} times ${kind}: ${example(kind)}`), ...history.violations];
}

const inspector = await freePort();
await using service = await startService(undefined, inspector);
using heap = await Heap.of(inspector);
const children = Array.from({ length: processes as number }, () => fork(join(import.meta.dirname, "clients.ts")));
using server = new Memory(() => heap.used(), COLLECTED);
using serverProcess = new Memory(() => residentOf(service.server.pid as number));
using client = new Memory(() => residentOf(children[0]?.pid as number));
const task = {
  url: service.url,
  token: TOKEN,
  clients: Math.ceil((clients as number) / children.length),
  ids: ids as number,
  duration: (seconds as number) * 1_000,
};
console.log(`${task.clients * children.length} clients in ${children.length} processes, ${ids} locks, ${seconds} s`);
const gone = children.map((child) => once(child, "exit"));
const tallies = await Promise.all(children.map((child) => tallyOf(child, task)));
await Promise.all(gone);
const wrong = report(tallies);
if (!isFlat("the service's heap without garbage", server)) wrong.push("The heap of the service grew.");
// Not judged: a Worker that does nothing but answer makes local workerd's process grow as much.
isFlat("the process of workerd", serverProcess);
if (!isFlat("a process of clients", client)) wrong.push("The memory of the clients grew.");
for (const what of wrong.slice(0, 20)) console.log(`  ${what}`);
console.log(`wrong: ${wrong.length}`);
if (wrong.length > 0) process.exitCode = 1;
