import { type DurableLock, useDurableLock } from "durable-locks";

interface Bindings {
  DURABLE_LOCK: DurableObjectNamespace<DurableLock>;
}

/** The locks that this Worker holds, and whether their requests should end. */
const held = new Map<string, { lease: number; end: boolean }>();

/** Holds a lock until `/end`, and then returns without a release, like a handler that forgot it. */
async function hold(namespace: Bindings["DURABLE_LOCK"], id: string): Promise<number> {
  const { lease } = await useDurableLock(namespace, id).hold({ ttl: 600_000, releaseOnExit: true });
  held.set(id, { lease, end: false });
  while (held.get(id)?.end === false) await scheduler.wait(10);
  return lease;
}

/** A Worker whose requests say how to use locks. */
export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    const id = searchParams.get("id") ?? "";
    const lock = useDurableLock(env.DURABLE_LOCK, id);
    switch (pathname) {
      case "/acquire":
        return Response.json(await lock.acquire(600_000));
      case "/release":
        return Response.json(await lock.release(Number(searchParams.get("lease"))));
      case "/withLock":
        return Response.json(await lock.withLock(({ lease }) => lease, { wait: 600_000 }));
      case "/waiters":
        return Response.json((await lock.status()).waiters.length);
      case "/hold":
        return Response.json(await hold(env.DURABLE_LOCK, id));
      case "/held":
        return Response.json(held.get(id)?.lease ?? 0);
      case "/end":
        held.set(id, { lease: 0, end: true });
        return Response.json(true);
      default:
        return new Response("Not found", { status: 404 });
    }
  },
} satisfies ExportedHandler<Bindings>;
