import { invalid } from "../../core/checks.ts";

const NO_RPC =
  'namespace has no RPC: set "compatibility_date" in the Wrangler configuration of the Worker that calls to 2024-04-03 or later, or add "rpc" to its "compatibility_flags".';

/**
 * A stub of the object with the given name, for one call: many exceptions break the stub that they came through.
 *
 * Throws `INVALID_ARGUMENT` if it lacks `method`: before that compatibility date a stub has no methods but `fetch`, and
 * later every name that it is asked for.
 */
export function rpcStub<T extends Rpc.DurableObjectBranded>(
  objects: Pick<DurableObjectNamespace<T>, "getByName">,
  name: string,
  method: string & keyof T,
): DurableObjectStub<T> {
  const stub = objects.getByName(name);
  if (typeof (stub as Record<string, unknown>)[method] !== "function") throw invalid("namespace", NO_RPC);
  return stub;
}
