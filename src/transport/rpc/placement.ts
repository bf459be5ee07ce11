import { invalid } from "../../core/checks.ts";
import type { LockNamespace } from "./namespace.ts";

/** Where objects are to live. */
export interface PlacementOptions {
  /**
   * Keeps each lock's object, and so its data, in this jurisdiction.
   *
   * The same id in another jurisdiction is another lock, so all callers must give the same. A local workerd has no
   * jurisdictions: there the option has no effect.
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

/** How a lock's object is found. */
export type LockObjects = Pick<LockNamespace, "getByName" | "idFromName">;

type Unchecked = { [K in keyof PlacementOptions]?: unknown };

/** The objects of a namespace that live where the options say. */
export function placed(namespace: LockNamespace, { jurisdiction, locationHint }: Unchecked): LockObjects {
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

function within(namespace: LockNamespace, jurisdiction: DurableObjectJurisdiction): LockNamespace {
  try {
    return namespace.jurisdiction(jurisdiction);
  } catch (cause) {
    // A local workerd refuses every jurisdiction. The deployed platform never says this.
    if (String(cause).includes("not implemented in workerd")) return namespace;
    throw invalid("jurisdiction", 'jurisdiction must be one that Cloudflare knows, such as "eu".', cause);
  }
}
