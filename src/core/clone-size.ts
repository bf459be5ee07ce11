/**
 * Whether a structured clone of a value takes more than `limit` bytes.
 *
 * An estimate that is never above what V8 writes, so nothing within the limit is refused. It is needed because how much
 * a row may hold depends on the runtime: 2 MB in August 2026, almost 10 MB in November.
 */
export function isLargerThan(limit: number, value: unknown): boolean {
  const seen = new Set<object>();
  const rest: unknown[] = [value];
  let size = 0;
  // A list and not a recursion: a result may be nested more deeply than the stack holds.
  while (rest.length > 0 && size <= limit) {
    const item = rest.pop();
    if (typeof item !== "object" || item === null) size += sizeOfPrimitive(item);
    else if (!seen.has(item)) {
      seen.add(item);
      size += SMALLEST + (item instanceof ArrayBuffer ? item.byteLength : 0);
      for (const part of partsOf(item)) rest.push(part);
    }
  }
  return size > limit;
}

/** A tag. */
const SMALLEST = 1;

function sizeOfPrimitive(value: unknown): number {
  if (typeof value === "string") return SMALLEST + value.length * (isLatin1(value) ? 1 : 2);
  if (typeof value === "number") return SMALLEST + (Number.isInteger(value) && !Object.is(value, -0) ? 1 : 8);
  if (typeof value === "bigint") return SMALLEST + value.toString(16).length / 2;
  return SMALLEST;
}

/** Strings of such characters take a byte for each, all others two. */
function isLatin1(text: string): boolean {
  return /^[\p{ASCII}\u0080-\u00FF]*$/u.test(text);
}

function partsOf(item: object): Iterable<unknown> {
  // A view is written with its whole buffer.
  if (ArrayBuffer.isView(item)) return [item.buffer];
  if (item instanceof Map) return [...item].flat();
  if (item instanceof Set) return item;
  if (item instanceof Error) return [item.message, item.stack, item.cause];
  if (item instanceof RegExp) return [item.source];
  return Array.isArray(item) ? Object.values(item) : Object.entries(item).flat();
}
