import type { DurableLock } from "../../../src/index.ts";
import type { LockPrimitives } from "../../../src/transport/primitives.ts";
import { rpcPrimitives } from "../../../src/transport/rpc/rpc-primitives.ts";

export { DurableLock } from "../../../src/index.ts";

interface Env {
  DURABLE_LOCK: DurableObjectNamespace<DurableLock>;
}

interface Call {
  id: string;
  method: Exclude<keyof LockPrimitives, "id" | "key" | "bind">;
  args: unknown[];
}

/** The shipped primitives over RPC, for processes that have but HTTP; a fault is answered with the platform's flags. */
export default {
  async fetch(request, env) {
    const { id, method, args } = JSON.parse(await request.text(), unlimited) as Call;
    const primitives = rpcPrimitives(env.DURABLE_LOCK, id);
    const call = primitives[method] as (...args: unknown[]) => Promise<unknown>;
    try {
      return Response.json({ reply: await call(...args) });
    } catch (error) {
      const { message, retryable, overloaded, durableObjectReset } = error as Error & Record<string, unknown>;
      return Response.json({ fault: { message, retryable, overloaded, durableObjectReset } });
    }
  },
} satisfies ExportedHandler<Env>;

/** JSON has no `Infinity`. */
function unlimited(key: string, value: unknown): unknown {
  return key === "capacity" && value === null ? Infinity : value;
}
