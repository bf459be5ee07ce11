import { LIMITS } from "../core/limits.ts";

/**
 * An encoded result is a table in the format of devalue. The first entry is the value, and entries refer to each other
 * by their index in the table. Negative numbers stand for values that JSON can't represent.
 */
type Table = readonly unknown[];

/** `undefined`, `NaN`, `Infinity`, `-Infinity` and `-0`. */
const CONSTANTS = new Set<unknown>([-1, -3, -4, -5, -6]);
const HOLE = -2;
const SPARSE = -7;

/** An error, or an array with fields, is written as four nested entries, so it counts as four levels. */
const DEEPEST = LIMITS.maxResultDepth + 4;

/** What follows the type in a typed entry: references, only strings, or a reference and then numbers. */
const TYPES: Record<string, "references" | "strings" | "view"> = {
  Set: "references",
  Map: "references",
  Object: "references",
  BigInt: "references",
  Fields: "references",
  Date: "strings",
  RegExp: "strings",
  ArrayBuffer: "strings",
  DataView: "view",
  Int8Array: "view",
  Uint8Array: "view",
  Uint8ClampedArray: "view",
  Int16Array: "view",
  Uint16Array: "view",
  Float16Array: "view",
  Int32Array: "view",
  Uint32Array: "view",
  Float32Array: "view",
  Float64Array: "view",
  BigInt64Array: "view",
  BigUint64Array: "view",
};

/**
 * Whether an encoded result is safe to read: every entry has a known shape, no array is longer than a result may be,
 * and no recursion over it is deeper than the stack allows. Another caller may have stored it, so trust none of it.
 */
export function isReadable(encoded: unknown): encoded is number | unknown[] {
  if (!Array.isArray(encoded)) return CONSTANTS.has(encoded);
  const references: number[][] = [];
  for (const entry of encoded as Table) {
    const found = referencesOf(entry);
    if (!areWithin(encoded, found)) return false;
    references.push(found);
  }
  return encoded.length > 0 && !isTooDeep(references);
}

function areWithin(table: Table, references: unknown[] | undefined): references is number[] {
  return references?.every((reference) => CONSTANTS.has(reference) || isIndexBelow(reference, table.length)) ?? false;
}

function isIndexBelow(value: unknown, end: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value < end;
}

const NONE: unknown[] = [];

/** What an entry refers to; undefined if its shape is unknown. */
function referencesOf(entry: unknown): unknown[] | undefined {
  if (typeof entry !== "object" || entry === null) return NONE;
  if (!Array.isArray(entry)) return Object.values(entry);
  const first: unknown = entry[0];
  if (typeof first === "string") return referencesOfTyped(first, entry.slice(1));
  if (first !== SPARSE) return entry.includes(HOLE) ? entry.filter((reference) => reference !== HOLE) : entry;
  const [length, ...pairs] = entry.slice(1) as unknown[];
  const [indexes, references] = [pairs.filter((_, at) => at % 2 === 0), pairs.filter((_, at) => at % 2 === 1)];
  const isShort = isIndexBelow(length, LIMITS.maxResultBytes) && indexes.every((index) => isIndexBelow(index, length));
  return isShort && indexes.length === references.length ? references : undefined;
}

function referencesOfTyped(type: string, rest: unknown[]): unknown[] | undefined {
  const shape = Object.hasOwn(TYPES, type) ? TYPES[type] : undefined;
  if (shape === "references") return rest.length === 1 || type === "Set" || type === "Map" ? rest : undefined;
  if (shape === "strings") return rest.every((item) => typeof item === "string") ? [] : undefined;
  const [buffer, ...range] = rest;
  return shape === "view" && range.every((item) => typeof item === "number") ? [buffer] : undefined;
}

/** Visits all entries from the first one, in the order of a recursion but without recursion. */
function isTooDeep(references: number[][]): boolean {
  const seen = new Uint8Array(references.length);
  const rest = [{ at: 0, depth: 1 }];
  for (let next = rest.pop(); next; next = rest.pop()) {
    const { at, depth } = next;
    if (seen[at] === 1) continue;
    if (depth > DEEPEST) return true;
    seen[at] = 1;
    const inner = references[at] ?? [];
    for (let last = inner.length - 1; last >= 0; last -= 1) {
      const to = inner[last] as number;
      if (to >= 0 && seen[to] === 0) rest.push({ at: to, depth: depth + 1 });
    }
  }
  return false;
}
