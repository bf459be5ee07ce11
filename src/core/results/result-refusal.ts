import { LIMITS } from "../limits.ts";
import type { ResultRefusedReply } from "../replies.ts";
import { cloneSize, fieldsOf, partsOf } from "./clone-size.ts";

/** Why the result of a job is not stored. */
export interface ResultRefusal {
  reason: ResultRefusedReply["reason"];
  /** What is wrong with the result. */
  message: string;
}

/**
 * Why a structured clone can't be stored as the result of a job; undefined if it can.
 *
 * Each transport and the object use this same check, so a result that one transport accepts can be read over any other.
 */
export function refusalOfResult(value: unknown): ResultRefusal | undefined {
  if (cloneSize(value, LIMITS.maxResultBytes) > LIMITS.maxResultBytes)
    return { reason: "RESULT_TOO_LARGE", message: `it is larger than ${LIMITS.maxResultBytes} bytes` };
  const message = uncarried(value, LIMITS.maxResultDepth);
  return message === undefined ? undefined : { reason: "RESULT_NOT_CLONEABLE", message };
}

/**
 * The part of a structured clone that not every transport can carry, or the depth that it exceeds; undefined if none.
 *
 * It visits the value in the order of a recursion, so that the depth is the one that a recursion would reach.
 */
export function uncarried(value: unknown, deepest: number): string | undefined {
  const seen = new Set<object>();
  const rest = [{ item: value, depth: 1 }];
  for (let next = rest.pop(); next; next = rest.pop()) {
    const { item, depth } = next;
    if (typeof item === "function" || typeof item === "symbol") return `it contains a ${typeof item}`;
    if (typeof item !== "object" || item === null || seen.has(item)) continue;
    seen.add(item);
    if (depth > deepest) return `it is nested more than ${deepest} levels deep`;
    const type = typeOf(item);
    if (!CARRIED.has(type)) return `it contains a ${type}`;
    if (item instanceof ArrayBuffer && item.resizable) return "it contains a resizable ArrayBuffer";
    const inner: unknown[] = [];
    for (const part of partsOf(item)) if (!isPlainPrimitive(part)) inner.push(part);
    const below = inner.length > 0 ? depth + levelsOf(item) : depth;
    for (const part of inner.toReversed()) rest.push({ item: part, depth: below });
  }
  return undefined;
}

/**
 * How many levels of nesting a value takes over HTTP: `src/wire/fields.ts` wraps the fields of some values in lists.
 */
function levelsOf(item: object): number {
  const hasFields = Array.isArray(item) ? fieldsOf(item).length > 0 : Object.hasOwn(item, "__proto__");
  return hasFields || item instanceof Error ? 4 : 1;
}

function isPlainPrimitive(value: unknown): boolean {
  return value === null || (typeof value !== "object" && typeof value !== "function" && typeof value !== "symbol");
}

/** The type of a value by its internal slots, as far as JavaScript reveals it. */
function typeOf(item: object): string {
  return Object.prototype.toString.call(item).slice("[object ".length, -1);
}

/** The types that every platform clones and that `src/wire/result-codec.ts` writes as JSON. */
const CARRIED = new Set([
  "Object",
  "Array",
  "Map",
  "Set",
  "Date",
  "RegExp",
  "Error",
  "DOMException",
  "Number",
  "String",
  "Boolean",
  "BigInt",
  "ArrayBuffer",
  "DataView",
  "Int8Array",
  "Uint8Array",
  "Uint8ClampedArray",
  "Int16Array",
  "Uint16Array",
  "Float16Array",
  "Int32Array",
  "Uint32Array",
  "Float32Array",
  "Float64Array",
  "BigInt64Array",
  "BigUint64Array",
]);
