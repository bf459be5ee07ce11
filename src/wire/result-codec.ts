import { stringify, unflatten } from "devalue";
import { type ResultRefusal, refusalOfResult } from "../core/results/result-refusal.ts";
import { isReadable } from "./encoded-table.ts";
import { FieldsReader, fieldsToWrite } from "./fields.ts";
import { isJson } from "./json.ts";

/** A result as JSON: its `value` if JSON carries that exactly, otherwise `encoded`, a table in the format of devalue. */
export interface WireResult {
  /** Absent for `undefined`. */
  value?: unknown;
  encoded?: unknown;
}

const UNCARRIED: ResultRefusal = { reason: "RESULT_NOT_CLONEABLE", message: "it can't be carried over HTTP" };

/** Writes a structured clone as JSON, or says why it can't be a result. */
export function toWireResult(value: unknown): WireResult | ResultRefusal {
  const refusal = refusalOfResult(value);
  if (refusal) return refusal;
  if (isJson(value)) return { value };
  try {
    // Parse it again, so that the body contains the table itself and not a text in which everything is escaped twice.
    return { encoded: JSON.parse(stringify(value, { Fields: fieldsToWrite, BigInt: hexOf })) as unknown };
  } catch {
    // A value that this code does not foresee must not be written as something else.
    return UNCARRIED;
  }
}

/** Reads a result, or says why it is not one. One caller reads what another has stored, so trust none of it. */
export function fromWireResult({ value, encoded }: WireResult): { value: unknown } | ResultRefusal {
  if (encoded !== undefined && value !== undefined) return UNCARRIED;
  const read = encoded === undefined ? { value } : decoded(encoded);
  const refusal = read ? refusalOfResult(read.value) : UNCARRIED;
  if (refusal) return refusal;
  return encoded === undefined && !isJson(value) ? UNCARRIED : (read as { value: unknown });
}

function decoded(encoded: unknown): { value: unknown } | undefined {
  if (!isReadable(encoded)) return undefined;
  const reader = new FieldsReader();
  try {
    return {
      value: unflatten(encoded, {
        Fields: (fields) => reader.read(fields),
        BigInt: (text: unknown) => fromHex(reader, text),
      }),
    };
  } catch {
    return undefined;
  }
}

/** Hexadecimal takes linear time to write and read. A decimal of 2 MB takes seconds. */
function hexOf(value: unknown): string | undefined {
  if (typeof value !== "bigint") return undefined;
  return value < 0n ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}

function fromHex(reader: FieldsReader, text: unknown): bigint {
  // Accept only a string: as text, lists that contain each other would be exponentially long.
  const [, sign, digits] = (typeof text === "string" && /^(-?)(0x[0-9a-f]+)$/.exec(text)) || [];
  if (digits === undefined) throw new Error("This is not an integer.");
  reader.spend(digits.length);
  return sign === "-" ? -BigInt(digits) : BigInt(digits);
}
