import fc from "fast-check";

/** Results of every kind, with names of fields that mean something to JSON and to JavaScript. */
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
 * Whether two values are the same graph: the same kinds, fields in the same order and as enumerable, holes and shared
 * references where the other has them. What is inside of a class of the platform is compared as far as it is seen.
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
    // How much of the stack of an exception is carried is the platform's own matter.
    if (one instanceof DOMException && name === "stack") return true;
    const isShown = (item: object) => Object.prototype.propertyIsEnumerable.call(item, name);
    return isShown(one) === isShown(other) && inner(Reflect.get(one, name), Reflect.get(other, name));
  });
}

/** What is not among its fields, in a form that can be compared. */
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
