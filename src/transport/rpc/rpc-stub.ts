import { invalid } from "../../core/checks.ts";

const NO_RPC =
  'namespace has no RPC: set the "compatibility_date" of the calling Worker to 2024-04-03 or later in its Wrangler configuration, or add "rpc" to its "compatibility_flags".';

/** The namespaces whose stubs were seen to have methods. Looking costs as much as a tenth of a call. */
const seen = new WeakSet<object>();

/**
 * A stub of the object with the given name, for one call only: many exceptions break the stub that they come through.
 *
 * Throws `INVALID_ARGUMENT` if the stub lacks `method`. Before that compatibility date a stub has no method but
 * `fetch`; from that date on, it has one for every name.
 */
export function rpcStub<T extends Rpc.DurableObjectBranded>(
  objects: Pick<DurableObjectNamespace<T>, "getByName">,
  name: string,
  method: string & keyof T,
): DurableObjectStub<T> {
  const stub = objects.getByName(name);
  if (seen.has(objects)) return stub;
  if (typeof (stub as Record<string, unknown>)[method] !== "function") throw invalid("namespace", NO_RPC);
  seen.add(objects);
  return stub;
}
