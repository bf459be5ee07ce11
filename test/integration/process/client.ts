import { type DurableLock, useDurableLock } from "../../../src/index.ts";
import type { Ledger } from "../../../examples/fencing-token.ts";

interface Env {
  DURABLE_LOCK: DurableObjectNamespace<DurableLock>;
  LEDGER: DurableObjectNamespace<Ledger>;
}

/** The locks that this process holds. */
const held = new Set<string>();

/** A holder in a separate process: `/hold` answers when the lease is lost, `/write` writes under a lease. */
export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    const id = searchParams.get("id") ?? "";
    const lock = useDurableLock(env.DURABLE_LOCK, id);
    if (pathname === "/isLocked") return Response.json(await lock.isLocked());
    if (pathname === "/isHeld") return Response.json(held.has(id));
    if (pathname === "/write")
      return Response.json(await env.LEDGER.getByName(id).write(Number(searchParams.get("lease")), "late"));
    const { lease, signal } = await lock.hold({
      ttl: 60_000,
      releaseOnExit: searchParams.get("releaseOnExit") === "true",
    });
    held.add(id);
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    return Response.json({ lease, reason: String(signal.reason) });
  },
} satisfies ExportedHandler<Env>;
