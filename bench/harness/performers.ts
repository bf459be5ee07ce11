import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Setting } from "../contestants/process.ts";
import type { Order, Sample } from "../work/order.ts";
import { bundle } from "./bundle.ts";
import type { StorageName } from "./figure.ts";
import type { Lab } from "./lab.ts";
import { ContestantProcess } from "./process.ts";
import { type Durability, RedisServer, redisVersion } from "./redis.ts";
import type { Source } from "./source.ts";
import { Workerd } from "./workerd.ts";

/** One way to lock that can be given orders. */
export interface Performer {
  name: string;
  perform: (order: Order) => Promise<Sample>;
}

export const FIRST_LIBRARY = "the first library's way";
export const EMPTY_POST = "two empty requests to Hono";
export const ASYNC_MUTEX = "async-mutex (in one process, not distributed)";

/** The names of a version's contestants. */
export const overRpc = ({ library }: Source) => `${library}, RPC`;
const overFetch = ({ library }: Source) => `${library}, fetch`;
export const overHttp = ({ library }: Source) => `${library}, HTTP`;

/** What the lock service and its clients share. */
export const TOKEN = "the-token-of-the-benchmarks";

/** A contestant in a process of its own. */
export async function processPerformer(lab: Lab, name: string, setting: Setting): Promise<Performer> {
  const started = lab.use(await ContestantProcess.start(setting));
  return { name, perform: (order) => started.perform(order) };
}

/** The contestants that are called from inside a Worker. */
async function workerPerformers(lab: Lab, storage: StorageName): Promise<Performer[]> {
  const workerd = await lab.workerd(storage);
  const via = (worker: string, way: string) => (order: Order) => workerd.perform(worker, { ...order, way });
  const ours = lab.sources.flatMap((source, n): Performer[] => [
    { name: overRpc(source), perform: via(`library-${n}`, "rpc") },
    { name: overFetch(source), perform: via(`library-${n}`, "fetch") },
  ]);
  return [...ours, { name: FIRST_LIBRARY, perform: via("first", "") }];
}

/** The lock service of a version, on a storage; the URL. */
export async function lockService(lab: Lab, source: Source, storage: StorageName): Promise<string> {
  const script = await bundle(source, { entryPoints: [join(source.path, "service/worker.ts")] });
  const objects = { DURABLE_LOCK: "DurableLock", LOCK_INDEX: "LockIndex" };
  const worker = { name: "service", script, objects, bindings: { TOKENS: TOKEN } };
  return lab.use(await Workerd.start(lab.folders.new(storage), [worker])).url(worker.name);
}

/** The client of this library in a process, and the lock service that it talks to. */
async function httpPerformer(lab: Lab, source: Source, storage: StorageName): Promise<Performer> {
  const client = join(lab.folders.new("disk"), "client.mjs");
  writeFileSync(client, await bundle(source, { entryPoints: [join(source.path, "client.ts")], platform: "node" }));
  const url = await lockService(lab, source, storage);
  return processPerformer(lab, overHttp(source), { kind: "http", client, url, token: TOKEN });
}

/** A Worker that does nothing but answer, and a process that asks it. */
export async function emptyPostUrl(lab: Lab): Promise<string> {
  const worker = { name: "empty-post", script: await lab.worker("empty-post.ts"), objects: { UNIT: "Unit" } };
  return lab.use(await Workerd.start(lab.folders.new("RAM disk"), [worker])).url(worker.name);
}

async function redisPerformers(lab: Lab, storage: StorageName): Promise<Performer[]> {
  if (redisVersion() === undefined) {
    console.log("There is no redis-server here, so the peers on Redis are left out: `apt-get install redis-server`.");
    return [];
  }
  const performers: Performer[] = [];
  // On a RAM disk, a write that is synced is only a slower write.
  const always: Durability[] = storage === "disk" || lab.full ? ["appendfsync always"] : [];
  for (const durability of ["in memory" as const, ...always]) {
    const { port } = lab.use(await RedisServer.start(lab.folders.new(storage), durability));
    performers.push(
      await processPerformer(lab, `redlock-universal, Redis ${durability}`, { kind: "redlock", port }),
      await processPerformer(lab, `redis-semaphore, Redis ${durability}`, { kind: "redis-semaphore", port }),
    );
  }
  return performers;
}

/** All contestants that there are, with their storage in one place. */
export async function performersOn(lab: Lab, storage: StorageName): Promise<Performer[]> {
  const performers = await workerPerformers(lab, storage);
  for (const source of lab.sources) performers.push(await httpPerformer(lab, source, storage));
  performers.push(await processPerformer(lab, EMPTY_POST, { kind: "empty-post", url: await emptyPostUrl(lab) }));
  performers.push(...(await redisPerformers(lab, storage)));
  return [...performers, await processPerformer(lab, ASYNC_MUTEX, { kind: "async-mutex" })];
}
