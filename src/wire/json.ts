/** Deeper than any result worth keeping, and less than what a recursion may take. */
const DEEPEST = 200;

/**
 * Whether JSON carries a value exactly, so that what is read is what was written; `undefined` itself is carried by being
 * left out.
 */
export function isJson(value: unknown): boolean {
  return value === undefined || isExact(value, DEEPEST);
}

function isExact(value: unknown, depth: number): boolean {
  if (depth === 0) return false;
  if (typeof value === "number") return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value === "string") return value.isWellFormed();
  if (value === null || typeof value === "boolean") return true;
  if (typeof value !== "object") return false;
  if (Array.isArray(value)) return isPlainArray(value) && value.every((item) => isExact(item, depth - 1));
  return (
    isPlainObject(value) && Object.entries(value).every(([key, item]) => isExact(key, 1) && isExact(item, depth - 1))
  );
}

/** Without holes, which `every` would pass over, and without fields of its own. */
function isPlainArray(value: unknown[]): boolean {
  return Object.keys(value).length === value.length;
}

/** `__proto__` would be read as something else; toJSON would be called. */
function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && Object.prototype.toString.call(value) !== "[object Object]") return false;
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
  return isPlain && !Object.hasOwn(value, "__proto__") && typeof (value as { toJSON?: unknown }).toJSON !== "function";
}
