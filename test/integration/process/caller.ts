import { fenceStorage, isLockError, useBarrier, useDurableLock, useLatch } from "../../../src/index.ts";
import type { DurableLock, DurableRendezvous } from "../../../src/index.ts";
import { createLockService } from "../../../src/service.ts";
import { DurableObject } from "cloudflare:workers";

export { DurableLock, DurableRendezvous } from "../../../src/index.ts";
export { LockIndex } from "../../../src/service.ts";

/** An object whose own storage is fenced. */
export class Fenced extends DurableObject {
  override async fetch(): Promise<Response> {
    return settled(async () => fenceStorage(this.ctx.storage, "balance", 1, () => "written"));
  }
}

type Index = NonNullable<Parameters<typeof createLockService>[0]["index"]>;

interface Bindings {
  DURABLE_LOCK: DurableObjectNamespace<DurableLock>;
  DURABLE_RENDEZVOUS: DurableObjectNamespace<DurableRendezvous>;
  LOCK_INDEX: Index;
  FENCED: DurableObjectNamespace;
}

const TOKEN = "a-token-of-this-test";

/** The outcome of a call as JSON: its value, or the fields of its error. */
async function settled(call: () => Promise<unknown>): Promise<Response> {
  try {
    return Response.json({ value: (await call()) ?? null });
  } catch (error) {
    const { name, message } = error as Error;
    return Response.json(
      isLockError(error) ? { name, message, code: error.code, argument: error.argument } : { name, message },
    );
  }
}

async function overHttp(env: Bindings, path: string, body?: object): Promise<unknown> {
  const service = createLockService({ lock: env.DURABLE_LOCK, index: env.LOCK_INDEX, tokens: TOKEN, legacy: true });
  const headers = { Authorization: `Bearer ${TOKEN}`, "Content-Type": "application/json" };
  const init = body ? { method: "POST", headers, body: JSON.stringify(body) } : { headers };
  const response = await service.fetch(new Request(`http://service${path}`, init));
  return { status: response.status, text: await response.text() };
}

/** Every way to reach an object, by the path of the request. */
function calls(env: Bindings, id: string): Record<string, () => Promise<unknown>> {
  const lock = useDurableLock(env.DURABLE_LOCK, id);
  const hold = { ttl: 60_000 };
  return {
    acquire: () => lock.acquire(60_000),
    wait: () => lock.acquire(60_000, { wait: 60_000 }),
    poll: () => lock.acquire(60_000, { retry: {}, wait: 60_000 }),
    withLock: () => lock.withLock(({ lease }) => lease, hold),
    releaseOnExit: () => lock.withLock(({ lease }) => lease, { ...hold, releaseOnExit: true }),
    release: () => lock.release(1),
    isLocked: () => lock.isLocked(),
    status: () => lock.status(),
    latch: () => useLatch(env.DURABLE_RENDEZVOUS, id, { count: 1 }).countDown(),
    barrier: () => useBarrier(env.DURABLE_RENDEZVOUS, id, { parties: 1 }).arrive(),
    "service/acquire": () => overHttp(env, `/v1/locks/${id}/acquire`, { ttl: 60_000 }),
    "service/wait": () => overHttp(env, `/v1/locks/${id}/acquire`, { ttl: 60_000, wait: 60_000 }),
    "service/plain": () => overHttp(env, `/acquire/${id}?ttl=60000`),
    "service/list": () => overHttp(env, "/v1/locks?prefix=a/"),
  };
}

/** A caller that answers with the outcome of each call. */
export default {
  async fetch(request, env) {
    const path = new URL(request.url).pathname.slice(1);
    if (path === "fenced") return env.FENCED.get(env.FENCED.idFromName("a")).fetch(request);
    const call = calls(env, crypto.randomUUID())[path];
    return call ? settled(call) : new Response("Not found", { status: 404 });
  },
} satisfies ExportedHandler<Bindings>;
