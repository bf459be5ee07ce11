import { LIMITS } from "../core/limits.ts";
import { uncarried } from "../core/results/result-refusal.ts";

/** What is stored about what a job threw: a clone of an error may lose the name of its class and its own fields. */
type ErrorRecord =
  | { thrown: unknown }
  | {
      name: string;
      message: string;
      stack: string;
      fields: Record<string, unknown>;
      cause?: ErrorRecord;
      /** The errors of an AggregateError. */
      errors?: ErrorRecord[];
    };

/** How many causes are stored at most: an error may be its own cause. */
const MOST_CAUSES = 8;

/** How many errors inside AggregateErrors are stored in all: an AggregateError may contain itself. */
const MOST_ERRORS = 1_000;

/** How deeply a field may be nested: as deeply as a result, less the levels of the record around it. */
const DEEPEST_FIELD = LIMITS.maxResultDepth - 4 * MOST_CAUSES;

/** Makes the record of what was thrown. Never throws, and leaves out what can't be stored. */
export function recordOf(thrown: unknown, causes = MOST_CAUSES, budget = { errors: MOST_ERRORS }): ErrorRecord {
  if (!(thrown instanceof Error)) return { thrown: (cloneOf(() => thrown) ?? { value: textOf(() => thrown) }).value };
  const inner = (read: () => unknown) => recordOf(attempt(read), causes - 1, budget);
  const errors = causes > 0 && thrown instanceof AggregateError ? errorsOf(thrown, budget) : undefined;
  return {
    name: textOf(() => thrown.name),
    message: textOf(() => thrown.message),
    stack: textOf(() => thrown.stack),
    fields: fieldsOf(thrown),
    ...("cause" in thrown && causes > 0 && { cause: inner(() => thrown.cause) }),
    ...(errors && { errors: errors.map((error) => inner(() => error)) }),
  };
}

/**
 * Makes what was thrown from its record. `made` has the errors of the records so far, because a stored record may
 * contain itself, or another record many times.
 */
export function errorOf(record: unknown, made = new Map<object, Error>()): unknown {
  // Another version, or a caller that stores JSON itself, may have stored it differently.
  if (typeof record !== "object" || record === null) return record;
  if ("thrown" in record) return record.thrown;
  if (!isRecordOfError(record)) return record;
  const before = made.get(record);
  if (before) return before;
  const { name = "Error", message, stack, fields, cause, errors } = record;
  const error = Array.isArray(errors) ? new AggregateError([], message) : new Error(message);
  made.set(record, error);
  const hidden = {
    name,
    stack: typeof stack === "string" ? stack : `${name}: ${message}`,
    ...(cause && { cause: errorOf(cause, made) }),
    ...(Array.isArray(errors) && { errors: errors.map((inner) => errorOf(inner, made)) }),
  };
  for (const [field, value] of Object.entries(hidden)) setField(error, field, value, false);
  // Don't assign the fields: one named `__proto__` would become the error's prototype.
  for (const [field, value] of Object.entries(fields ?? {}))
    setField(error, field, value, !Object.hasOwn(error, field));
  return error;
}

type StoredError = Partial<Exclude<ErrorRecord, { thrown: unknown }>> & { message: string };

function isRecordOfError(record: object): record is StoredError {
  const { name, message } = record as Record<string, unknown>;
  return typeof message === "string" && (name === undefined || typeof name === "string");
}

function setField(error: Error, field: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(error, field, { value, enumerable, configurable: true, writable: true });
}

/** The fields that the error's class added. */
function fieldsOf(error: Error): Record<string, unknown> {
  const fields: [string, unknown][] = [];
  for (const field of Object.keys(error)) {
    // These have their own place in the record.
    if (field === "cause" || (field === "errors" && error instanceof AggregateError)) continue;
    const cloned = cloneOf(() => (error as unknown as Record<string, unknown>)[field]);
    if (cloned) fields.push([field, cloned.value]);
  }
  return Object.fromEntries(fields);
}

function errorsOf(error: AggregateError, budget: { errors: number }): unknown[] {
  const errors = attempt(() => Array.from(error.errors as unknown[])) ?? [];
  const stored = errors.slice(0, budget.errors);
  budget.errors -= stored.length;
  return stored;
}

function cloneOf(read: () => unknown): { value: unknown } | undefined {
  const cloned = attempt(() => ({ value: structuredClone(read()) }));
  return cloned && uncarried(cloned.value, DEEPEST_FIELD) === undefined ? cloned : undefined;
}

function textOf(read: () => unknown): string {
  return attempt(() => String(read())) ?? "";
}

/** Reads a part of what was thrown. Its getters are the user's code: if one throws, ignore the error. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
