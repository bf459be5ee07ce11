// The Worker with the objects; the rig chooses the version of the package.
import { type DurableLock, type DurableRendezvous } from "durable-locks";

export { DurableLock, DurableRendezvous } from "durable-locks";

interface Env {
  DURABLE_LOCK: DurableObjectNamespace<DurableLock>;
  DURABLE_RENDEZVOUS: DurableObjectNamespace<DurableRendezvous>;
}

/** Plain requests to the lock of the id, which every version answers in the same way. */
export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    const id = url.searchParams.get("id") ?? "";
    url.searchParams.delete("id");
    return env.DURABLE_LOCK.getByName(id).fetch(url);
  },
} satisfies ExportedHandler<Env>;
