import { invalid } from "../../core/checks.ts";
import type { DurableLock } from "../../object/durable-lock.ts";
import type { DurableRendezvous } from "../../object/durable-rendezvous.ts";

/** The binding of the `DurableLock` class. */
export type LockNamespace = DurableObjectNamespace<DurableLock>;

/** The binding of the `DurableRendezvous` class. */
export type RendezvousNamespace = DurableObjectNamespace<DurableRendezvous>;

/** Checks a binding. If it is missing or misspelt, it is undefined at run time, whatever the type `Env` says. */
export function checkNamespace<T extends object>(namespace: T, className: string): T {
  const isNamespace = typeof (namespace as { getByName?: unknown } | undefined)?.getByName === "function";
  if (isNamespace) return namespace;
  const message = `namespace must be the binding of the ${className} class: is it in your Wrangler configuration, by this name?`;
  throw invalid("namespace", message);
}
