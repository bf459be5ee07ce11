import { importParts } from "../examples/crash-release.ts";
import { DurableLock, DurableRendezvous, type WebLockManager, useDurableLock, webLocks } from "../src/index.ts";

export { DurableLock, DurableRendezvous };
export { LockIndex } from "../src/object/lock-index.ts";
export { Ledger } from "../examples/fencing-token.ts";

/** Requests of their own, so that a test can have a caller whose execution context ends. */
export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    const id = searchParams.get("id") ?? "";
    if (pathname.startsWith("/v1/")) return serve(request, env);
    if (pathname === "/arrive") return arriveAndDie(env, id);
    if (pathname === "/hold") return holdAndDie(env, id, searchParams);
    if (pathname === "/ask") return askAndDie(env, id);
    if (pathname === "/web-locks") return useManagerOfModule(env, id, searchParams);
    return pathname === "/import" ? importAndDie(env, id) : queueAndDie(env, id);
  },
} satisfies ExportedHandler<Cloudflare.Env>;

/** The lock service, as another Worker reaches it over a service binding. */
async function serve(request: Request, env: Cloudflare.Env): Promise<Response> {
  const { createLockService } = await import("../src/service.ts");
  return createLockService({ lock: env.DURABLE_LOCK, tokens: "a-token-for-the-tests" }).fetch(request);
}

/** Queues for the lock and ends without waiting for it, as a crashed or cancelled request does. */
async function queueAndDie(env: Cloudflare.Env, id: string): Promise<Response> {
  const wait = async () => {
    const reply = await env.DURABLE_LOCK.getByName(id).acquireOrQueue(10_000, { wait: 60_000, owner: "dead" });
    if ("pendingGrant" in reply) await reply.pendingGrant.reply();
  };
  void wait().catch(() => {});
  while ((await env.DURABLE_LOCK.getByName(id).status()).waiters.every(({ owner }) => owner !== "dead"));
  return new Response("gone");
}

/** Asks the HTTP service for the lock, waits in its queue, and ends without an answer: as a request whose client is gone. */
async function askAndDie(env: Cloudflare.Env, id: string): Promise<Response> {
  const tokens = "a-token-for-one-test";
  const headers = { Authorization: `Bearer ${tokens}`, "Content-Type": "application/json" };
  const url = `https://locks.example/v1/locks/${encodeURIComponent(id)}/acquire`;
  const body = JSON.stringify({ ttl: 10_000, wait: 60_000, owner: "dead" });
  // Not up there: its schemas take a second to load, which each file of tests would wait for.
  const { createLockService } = await import("../src/service.ts");
  const service = createLockService({ lock: env.DURABLE_LOCK, tokens });
  void service.fetch(new Request(url, { method: "POST", headers, body })).catch(() => {});
  while ((await env.DURABLE_LOCK.getByName(id).status()).waiters.every(({ owner }) => owner !== "dead"));
  return new Response("gone");
}

/** Holds the lock for as long as the lock named `gate` is held, and ends without releasing it. */
async function holdAndDie(env: Cloudflare.Env, id: string, params: URLSearchParams): Promise<Response> {
  const lockDelay = Number(params.get("lockDelay"));
  const bound = params.get("releaseOnExit") === "true";
  const { lease } = await useDurableLock(env.DURABLE_LOCK, id).hold({
    ttl: Number(params.get("ttl") ?? 60_000),
    releaseOnExit: bound,
    ...(lockDelay > 0 && { lockDelay }),
  });
  const gate = params.get("gate");
  if (gate) while (await useDurableLock(env.DURABLE_LOCK, gate).isLocked()) await scheduler.wait(10);
  return new Response(String(lease));
}

/** Comes to a barrier and ends without waiting for the others. */
async function arriveAndDie(env: Cloudflare.Env, id: string): Promise<Response> {
  const before = await env.DURABLE_RENDEZVOUS.getByName(id).waiting();
  const attendance = env.DURABLE_RENDEZVOUS.getByName(id).arriveAtBarrier({
    parties: 3,
    requestId: crypto.randomUUID(),
    wait: 60_000,
    waited: 0,
  });
  void Promise.resolve(attendance.outcome.reply()).catch(() => {});
  while ((await env.DURABLE_RENDEZVOUS.getByName(id).waiting()) === before);
  return new Response("gone");
}

/** Ends in the middle of the example's import. */
async function importAndDie(env: Cloudflare.Env, tenant: string): Promise<Response> {
  await new Promise<void>((resolve) => {
    const store = () => new Promise<boolean>(() => resolve());
    void importParts(env.DURABLE_LOCK, { store }, tenant, ["a", "b"]);
  });
  return new Response("gone");
}

/** By its name, so that tests don't share one. */
const managers = new Map<string, WebLockManager>();

/**
 * Asks the manager that all requests of this isolate share three times for one lock, at once, and answers the order of
 * the grants and what the manager listed during the first. Each grant lasts for as long as the lock named `gate` is held.
 */
async function useManagerOfModule(env: Cloudflare.Env, id: string, params: URLSearchParams): Promise<Response> {
  const manager = params.get("manager") ?? id;
  const locks = managers.get(manager) ?? webLocks(env.DURABLE_LOCK);
  managers.set(manager, locks);
  const [order, gate] = [[] as number[], params.get("gate")];
  let listed: unknown;
  const ask = (n: number, steal: boolean) =>
    locks.request(id, { steal }, async () => {
      order.push(n);
      listed ??= await locks.query();
      if (gate) while (await useDurableLock(env.DURABLE_LOCK, gate).isLocked()) await scheduler.wait(10);
    });
  const asked = Promise.allSettled([1, 2, 3].map((n) => ask(n, params.get("steal") === String(n))));
  if (params.has("die")) return new Response("gone");
  const failed = (await asked).flatMap((outcome) => (outcome.status === "rejected" ? [String(outcome.reason)] : []));
  return Response.json({ order, listed, failed });
}
