import { LIMITS } from "../limits.ts";
import type { ResultRefusedReply } from "../replies.ts";
import { cloneSize, fieldsOf, partsOf } from "./clone-size.ts";

/** Why the result of a job is not kept. */
export interface ResultRefusal {
  reason: ResultRefusedReply["reason"];
  /** What is wrong with it. */
  message: string;
}

/**
 * Why a structured clone is not kept as the result of a job; undefined if it is.
 *
 * Each transport and the object ask here, so that a result that one of them takes can be read over every other.
 */
export function refusalOfResult(value: unknown): ResultRefusal | undefined {
  if (cloneSize(value, LIMITS.maxResultBytes) > LIMITS.maxResultBytes)
    return { reason: "RESULT_TOO_LARGE", message: `it is larger than ${LIMITS.maxResultBytes} bytes` };
  const message = uncarried(value, LIMITS.maxResultDepth);
  return message === undefined ? undefined : { reason: "RESULT_NOT_CLONEABLE", message };
}

/**
 * What of a structured clone no transport carries, or at which depth it is nested too deeply.
 *
 * It goes through the value in the order of a recursion, so that the depth is what a recursion over it would need.
 */
export function uncarried(value: unknown, deepest: number): string | undefined {
  const seen = new Set<object>();
  const rest = [{ item: value, depth: 1 }];
  for (let next = rest.pop(); next; next = rest.pop()) {
    const { item, depth } = next;
    if (typeof item === "function" || typeof item === "symbol") return `it has a ${typeof item}`;
    if (typeof item !== "object" || item === null || seen.has(item)) continue;
    seen.add(item);
    if (depth > deepest) return `it is nested more than ${deepest} levels deep`;
    const type = typeOf(item);
    if (!CARRIED.has(type)) return `it has a ${type}`;
    if (item instanceof ArrayBuffer && item.resizable) return "it has a resizable ArrayBuffer";
    const inner: unknown[] = [];
    for (const part of partsOf(item)) if (!isPlainPrimitive(part)) inner.push(part);
    const below = inner.length > 0 ? depth + levelsOf(item) : depth;
    for (const part of inner.toReversed()) rest.push({ item: part, depth: below });
  }
  return undefined;
}

/** As how many levels it is written over HTTP: `src/wire/fields.ts` puts lists around the fields of some. */
function levelsOf(item: object): number {
  const hasFields = Array.isArray(item) ? fieldsOf(item).length > 0 : Object.hasOwn(item, "__proto__");
  return hasFields || item instanceof Error ? 4 : 1;
}

function isPlainPrimitive(value: unknown): boolean {
  return value === null || (typeof value !== "object" && typeof value !== "function" && typeof value !== "symbol");
}

/** What a value is by its internal slots, as far as JavaScript tells. */
function typeOf(item: object): string {
  return Object.prototype.toString.call(item).slice("[object ".length, -1);
}

/** Whatever every platform clones and `src/wire/result-codec.ts` writes as JSON. */
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
