/**
 * How many bytes a structured clone of a value takes; beyond `most` it counts no further.
 *
 * An estimate, because how much a row may hold depends on the runtime: 2 MB in August 2026, almost 10 MB in November. It is
 * about what V8 writes or less, but each hole of an array counts as a byte and each object as some bytes at least, so that
 * what is within the limit also has a bounded length as JSON.
 */
export function cloneSize(value: unknown, most: number): number {
  const seen = new Set<object>();
  const rest: object[] = [];
  let size = 0;
  const count = (item: unknown) => {
    if (typeof item === "object" && item !== null) rest.push(item);
    else size += sizeOfPrimitive(item);
  };
  count(value);
  // A list and not a recursion: a result may be nested more deeply than the stack holds.
  for (let item = rest.pop(); item && size <= most; item = rest.pop()) {
    if (seen.has(item)) continue;
    seen.add(item);
    // An element or a hole takes a byte at least: a long array need not be read.
    if (Array.isArray(item) && item.length > most) return most + 1;
    size += sizeOfObject(item);
    for (const part of partsOf(item)) {
      if (size > most) return size;
      count(part);
    }
    if (Array.isArray(item)) size += holesOf(item);
  }
  return size;
}

function holesOf(array: unknown[]): number {
  let holes = 0;
  for (let at = 0; at < array.length; at += 1) if (!(at in array)) holes += 1;
  return holes;
}

/** What a value consists of, in the order in which it is written. */
export function partsOf(item: object): Iterable<unknown> {
  // A view is written with its whole buffer.
  if (ArrayBuffer.isView(item)) return [item.buffer];
  if (item instanceof Map) return [...item].flat();
  if (item instanceof Set) return item;
  if (item instanceof Error) return partsOfError(item);
  if (item instanceof RegExp) return [item.source];
  if (!Array.isArray(item)) return Object.entries(item).flat();
  const fields = fieldsOf(item);
  if (fields.length === 0) return Object.values(item);
  return [...Object.values(item), ...fields];
}

/** The names of an array's fields that are no indexes. They come after the indexes in the order of its keys. */
export function fieldsOf(array: unknown[]): string[] {
  const keys = Object.keys(array);
  let end = keys.length;
  while (end > 0 && !isIndex(keys[end - 1] as string)) end -= 1;
  return keys.slice(end);
}

/** Whether it is the name of an element of an array. */
export function isIndex(key: string): boolean {
  const index = Number(key) >>> 0;
  return String(index) === key && index !== 0xff_ff_ff_ff;
}

/** A tag. */
const SMALLEST = 1;

/** A tag and eight bytes. */
const NUMBER = 9;

/** Tags at both ends and lengths; of an error also the tags of its kind, its message and its stack, and their lengths. */
const OBJECT = 5;
const VIEW = 9;
const ERROR = 17;

function sizeOfPrimitive(value: unknown): number {
  if (typeof value === "string") return SMALLEST + 1 + value.length * (isLatin1(value) ? 1 : 2);
  if (typeof value === "number") return sizeOfNumber(value);
  if (typeof value === "bigint") return value === 0n ? 2 : 2 + 8 * Math.ceil(value.toString(16).length / 16);
  return SMALLEST;
}

/** Integers of up to 30 bits are written in groups of seven bits, after a bit for the sign. */
function sizeOfNumber(value: number): number {
  if (!Number.isInteger(value) || Object.is(value, -0) || Math.abs(value) >= 2 ** 30) return NUMBER;
  return SMALLEST + Math.max(1, Math.ceil((33 - Math.clz32(Math.abs(value))) / 7));
}

/** Strings of such characters take a byte for each, all others two. */
function isLatin1(text: string): boolean {
  return /^[\p{ASCII}\u0080-\u00FF]*$/u.test(text);
}

function sizeOfObject(item: object): number {
  if (item instanceof ArrayBuffer) return OBJECT + item.byteLength;
  if (ArrayBuffer.isView(item)) return VIEW;
  if (item instanceof Error) return ERROR;
  if (isDate(item)) return NUMBER;
  return OBJECT + (isBoxed(item) ? sizeOfPrimitive(item.valueOf()) : 0);
}

function isBoxed(item: object): boolean {
  return [Number, String, Boolean, BigInt].some((type) => item instanceof type);
}

function isDate(item: object): boolean {
  return Object.prototype.toString.call(item) === "[object Date]";
}

/** Those have tags of their own in place of names. */
const TAGGED = new Set(["message", "stack", "cause"]);

function partsOfError(error: Error): unknown[] {
  const parts: unknown[] = [];
  for (const name of Object.getOwnPropertyNames(error)) {
    if (!TAGGED.has(name)) parts.push(name);
    parts.push((error as unknown as Record<string, unknown>)[name]);
  }
  return parts;
}
