/**
 * How many bytes a structured clone of a value takes; it stops counting beyond `most`.
 *
 * This is an estimate, because the size of a row depends on the runtime: up to 2 MB in August 2026, almost 10 MB in
 * November. The estimate is about what V8 writes, or less. But each hole of an array counts as a byte, and each object
 * as at least a few bytes, so a value within the limit also has a bounded length as JSON.
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
  // A list instead of recursion: a result may be nested too deeply for the stack.
  for (let item = rest.pop(); item && size <= most; item = rest.pop()) {
    if (seen.has(item)) continue;
    seen.add(item);
    // Each element or hole takes at least one byte, so a too long array need not be read.
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

/** The parts of a value, in the order in which they are written. */
export function partsOf(item: object): Iterable<unknown> {
  // A view is written together with its whole buffer.
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

/**
 * The names of an array's fields that are not indexes.
 *
 * In the order of the array's keys, they come after the indexes.
 */
export function fieldsOf(array: unknown[]): string[] {
  const keys = Object.keys(array);
  let end = keys.length;
  while (end > 0 && !isIndex(keys[end - 1] as string)) end -= 1;
  return keys.slice(end);
}

/** Whether a key is the index of an array element. */
export function isIndex(key: string): boolean {
  const index = Number(key) >>> 0;
  return String(index) === key && index !== 0xff_ff_ff_ff;
}

/** A tag. */
const SMALLEST = 1;

/** A tag and eight bytes. */
const NUMBER = 9;

/** Tags at both ends, and lengths. An error also has tags for its type, message and stack, and their lengths. */
const OBJECT = 5;
const VIEW = 9;
const ERROR = 17;

function sizeOfPrimitive(value: unknown): number {
  if (typeof value === "string") return SMALLEST + 1 + value.length * (isLatin1(value) ? 1 : 2);
  if (typeof value === "number") return sizeOfNumber(value);
  if (typeof value === "bigint") return value === 0n ? 2 : 2 + 8 * Math.ceil(value.toString(16).length / 16);
  return SMALLEST;
}

/** Integers of up to 30 bits are written in groups of seven bits, with one extra bit for the sign. */
function sizeOfNumber(value: number): number {
  if (!Number.isInteger(value) || Object.is(value, -0) || Math.abs(value) >= 2 ** 30) return NUMBER;
  return SMALLEST + Math.max(1, Math.ceil((33 - Math.clz32(Math.abs(value))) / 7));
}

/** Such strings take one byte per character, all other strings two. */
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

/** These fields of an error are written as tags, without their names. */
const TAGGED = new Set(["message", "stack", "cause"]);

function partsOfError(error: Error): unknown[] {
  const parts: unknown[] = [];
  for (const name of Object.getOwnPropertyNames(error)) {
    if (!TAGGED.has(name)) parts.push(name);
    parts.push((error as unknown as Record<string, unknown>)[name]);
  }
  return parts;
}
