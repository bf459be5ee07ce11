import type { DurableLock } from "../../../src/index.ts";
import type { Ledger } from "../../../examples/fencing-token.ts";

export { DurableLock } from "../../../src/index.ts";
export { Ledger } from "../../../examples/fencing-token.ts";

interface Env {
  DURABLE_LOCK: DurableObjectNamespace<DurableLock>;
  LEDGER: DurableObjectNamespace<Ledger>;
}

/** Where the objects live: `/write` goes to the ledger of the id, anything else to its lock. */
export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    const id = url.searchParams.get("id") ?? "";
    url.searchParams.delete("id");
    if (url.pathname !== "/write") return env.DURABLE_LOCK.getByName(id).fetch(url);
    return Response.json(await env.LEDGER.getByName(id).write(Number(url.searchParams.get("lease")), "written"));
  },
} satisfies ExportedHandler<Env>;
