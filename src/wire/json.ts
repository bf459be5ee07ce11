import { LIMITS } from "../core/limits.ts";
import { fieldsOf } from "../core/results/clone-size.ts";

/**
 * Whether JSON carries a value exactly, so that the reader gets what was written. `undefined` itself is carried by
 * leaving it out.
 */
export function isJson(value: unknown): boolean {
  return value === undefined || isExact(value, LIMITS.maxResultDepth, new Set());
}

function isExact(value: unknown, depth: number, seen: Set<object>): boolean {
  if (typeof value === "number") return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value === "string") return value.isWellFormed();
  if (value === null || typeof value === "boolean") return true;
  // An object that occurs twice would be read back as two objects. Following it each time can take exponential time.
  if (typeof value !== "object" || depth === 0 || seen.has(value)) return false;
  seen.add(value);
  const isExactInside = (item: unknown) => isExact(item, depth - 1, seen);
  if (Array.isArray(value)) return isPlainArray(value) && value.every(isExactInside);
  return (
    isPlainObject(value) && Object.entries(value).every(([key, item]) => key.isWellFormed() && isExactInside(item))
  );
}

/** An array without holes, which `every` would skip, and without extra fields. */
function isPlainArray(value: unknown[]): boolean {
  return Object.keys(value).length === value.length && fieldsOf(value).length === 0;
}

/** A field `__proto__` would be read back as something else, and `JSON.stringify` would call a `toJSON`. */
function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && Object.prototype.toString.call(value) !== "[object Object]") return false;
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
  return isPlain && !Object.hasOwn(value, "__proto__") && typeof (value as { toJSON?: unknown }).toJSON !== "function";
}
