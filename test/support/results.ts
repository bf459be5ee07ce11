import fc from "fast-check";

/** Results of every kind. Some of their field names have a special meaning in JSON or JavaScript. */
export const anyResult = fc.anything({
  withBigInt: true,
  withBoxedValues: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withTypedArray: true,
  withSparseArray: true,
  withNullPrototype: true,
  key: fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("__proto__", "toJSON", "then", "length", "\ud800")),
  maxDepth: 4,
});

/**
 * Whether two values are the same graph: the same kinds, fields in the same order and with the same enumerability, and
 * holes and shared references in the same positions. Compares the content of platform classes as far as it is visible.
 */
export function same(one: unknown, other: unknown, pairs = new Map<unknown, unknown>()): boolean {
  if (typeof one !== "object" || one === null || typeof other !== "object" || other === null)
    return Object.is(one, other);
  if (pairs.has(one)) return pairs.get(one) === other;
  pairs.set(one, other);
  const inner = (a: unknown, b: unknown) => same(a, b, pairs);
  if (Object.getPrototypeOf(one) !== Object.getPrototypeOf(other)) return false;
  if (!inner(contentOf(one), contentOf(other))) return false;
  if (ArrayBuffer.isView(one)) return true;
  const names = Object.getOwnPropertyNames(one);
  const others = Object.getOwnPropertyNames(other);
  if (names.length !== others.length || names.some((name, at) => name !== others[at])) return false;
  return names.every((name) => {
    // How much of the stack of a DOMException survives is up to the platform.
    if (one instanceof DOMException && name === "stack") return true;
    const isShown = (item: object) => Object.prototype.propertyIsEnumerable.call(item, name);
    return isShown(one) === isShown(other) && inner(Reflect.get(one, name), Reflect.get(other, name));
  });
}

/** The content of an object besides its fields, in a form that can be compared. */
function contentOf(item: object): unknown {
  if (item instanceof Date) return item.getTime();
  if (item instanceof RegExp) return String(item);
  if (item instanceof Map) return [...item].flat();
  if (item instanceof Set) return [...item];
  if (item instanceof ArrayBuffer) return new TextDecoder("latin1").decode(item);
  if (ArrayBuffer.isView(item)) return [item.buffer, item.byteOffset, item.byteLength];
  if (item instanceof DOMException) return [item.name, item.message];
  const isBoxed = [Number, String, Boolean, BigInt].some((type) => item instanceof type);
  return isBoxed ? item.valueOf() : undefined;
}
