import { invalid } from "../../core/checks.ts";
import type { DurableLock } from "../../object/durable-lock.ts";

/** Where to place objects. */
export interface PlacementOptions {
  /**
   * Keeps each lock's object, and so its data, in this jurisdiction.
   *
   * The same id in another jurisdiction is another lock, so all callers must give the same one. A local workerd has
   * no jurisdictions: the option has no effect there.
   *
   * @default none
   */
  jurisdiction?: DurableObjectJurisdiction;
  /**
   * Where to create objects, such as `"weur"`. Only the first call for an id counts, and objects do not move.
   *
   * @default near the first caller
   */
  locationHint?: DurableObjectLocationHint;
}

/** What finds the objects of a class. */
export type PlacedObjects<T extends Rpc.DurableObjectBranded> = Pick<
  DurableObjectNamespace<T>,
  "getByName" | "idFromName"
>;

/** What finds a lock's object. */
export type LockObjects = PlacedObjects<DurableLock>;

type Unchecked = { [K in keyof PlacementOptions]?: unknown };

/** The objects of a namespace, placed as the options say. */
export function placed<T extends Rpc.DurableObjectBranded>(
  namespace: DurableObjectNamespace<T>,
  { jurisdiction, locationHint }: Unchecked,
): PlacedObjects<T> {
  const home = jurisdiction === undefined ? namespace : within(namespace, jurisdiction as DurableObjectJurisdiction);
  if (locationHint === undefined) return home;
  if (typeof locationHint !== "string" || locationHint === "")
    throw invalid("locationHint", 'locationHint must be one of Cloudflare\'s location hints, such as "weur".');
  const options = { locationHint: locationHint as DurableObjectLocationHint };
  return {
    getByName: (name) => home.getByName(name, options),
    idFromName: (name) => home.idFromName(name),
  };
}

function within<T extends Rpc.DurableObjectBranded>(
  namespace: DurableObjectNamespace<T>,
  jurisdiction: DurableObjectJurisdiction,
): DurableObjectNamespace<T> {
  try {
    return namespace.jurisdiction(jurisdiction);
  } catch (cause) {
    // A local workerd refuses every jurisdiction. The deployed platform never says this.
    if (String(cause).includes("not implemented in workerd")) return namespace;
    throw invalid("jurisdiction", 'jurisdiction must be one that Cloudflare knows, such as "eu".', cause);
  }
}
