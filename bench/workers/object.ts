// Looks at one object: with many holders or waiters, after many uses, and when it starts.
import { useDurableLock } from "durable-locks";
import { TTL } from "../contestants/contestant.ts";
import type { Sample } from "../work/order.ts";
import type { ObjectCall } from "../work/object-call.ts";
import { CrowdedLock } from "./crowded-lock.ts";
import { SeededLock } from "./seeded-lock.ts";

export { SeededLock };

interface Env {
  DURABLE_LOCK: DurableObjectNamespace<SeededLock>;
}

/** As long as the lock service waits before it follows again. */
const PAUSE = 100;

/** Follows a lock as the inspector does, until the signal fires. */
async function follow({ DURABLE_LOCK: namespace }: Env, id: string, signal: AbortSignal): Promise<void> {
  let known: string | undefined;
  while (!signal.aborted) {
    const reply = await namespace.getByName(id).follow(known, 1_000);
    if ("revision" in reply) known = reply.revision;
    await scheduler.wait(PAUSE);
  }
}

/** Measures in rounds, the sizes in turn. */
async function crowded(env: Env, call: Extract<ObjectCall, { call: "crowded" }>): Promise<Record<string, Sample[]>> {
  const { kind, sizes, rounds, box, followed } = call;
  const locks = sizes.map((size) => {
    const id = crypto.randomUUID();
    return { size, id, lock: new CrowdedLock(useDurableLock(env.DURABLE_LOCK, id)) };
  });
  for (const { size, lock } of locks) await (kind === "holders" ? lock.addHolders(size) : lock.addWaiters(size));
  const stop = new AbortController();
  const followers = followed ? locks.map(({ id }) => follow(env, id, stop.signal)) : [];
  const samples: Record<string, Sample[]> = Object.fromEntries(sizes.map((size) => [size, []]));
  for (let round = 0; round <= rounds; round += 1)
    for (const { size, lock } of locks) {
      const sample = await (kind === "holders" ? lock.amongHolders(box) : lock.amongWaiters(box));
      // The first round only warms up.
      if (round > 0) samples[size]?.push(sample);
    }
  stop.abort();
  await Promise.all(followers);
  return samples;
}

/** How long the first call after the start of an object takes, and the next one. */
async function started({ DURABLE_LOCK: namespace }: Env, id: string): Promise<Sample> {
  const stub = namespace.getByName(id);
  const since = performance.now();
  await stub.isLocked();
  const first = performance.now();
  await stub.isLocked();
  return { ms: first - since, next: performance.now() - first };
}

async function result(env: Env, call: ObjectCall): Promise<unknown> {
  switch (call.call) {
    case "crowded":
      return crowded(env, call);
    case "seed":
      return (await env.DURABLE_LOCK.getByName(call.id).seed(call.slots, call.uses)) ?? {};
    case "start":
      return started(env, call.id);
    case "acquire":
      return useDurableLock(env.DURABLE_LOCK, call.id).acquire(TTL);
    default:
      return useDurableLock(env.DURABLE_LOCK, call.id).release(call.lease);
  }
}

export default {
  async fetch(request, env) {
    try {
      return Response.json(await result(env, await request.json<ObjectCall>()));
    } catch (error) {
      return new Response(error instanceof Error ? error.stack : String(error), { status: 500 });
    }
  },
} satisfies ExportedHandler<Env>;
