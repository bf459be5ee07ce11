// Parks callers at a lock, so that a look at the heap shows what one takes.
import { type DurableLock, useDurableLock } from "durable-locks";
import { TTL } from "../contestants/contestant.ts";

export { DurableLock } from "durable-locks";

interface Env {
  DURABLE_LOCK: DurableObjectNamespace<DurableLock>;
}

/** `/waiting` answers how many wait; `/7` parks seven callers, and answers when they have been granted or given up. */
export default {
  async fetch(request, env) {
    const lock = useDurableLock(env.DURABLE_LOCK, "parked");
    const path = new URL(request.url).pathname.slice(1);
    if (path === "waiting") return Response.json((await lock.status()).waiters.length);
    await lock.acquire(TTL);
    await Promise.allSettled(Array.from({ length: Number(path) }, () => lock.acquire(TTL, { wait: TTL })));
    return new Response();
  },
} satisfies ExportedHandler<Env>;
