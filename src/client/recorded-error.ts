/** What is kept of what a job threw: cloning an error as it is may lose its class's name and its own fields. */
type ErrorRecord =
  | { thrown: unknown }
  | { name: string; message: string; stack: string; fields: Record<string, unknown>; cause?: ErrorRecord };

/** How many causes are kept: an error may be its own cause. */
const MOST_CAUSES = 8;

/** The record of what was thrown. Never throws; what of it can't be cloned is left out. */
export function recordOf(thrown: unknown, causes = MOST_CAUSES): ErrorRecord {
  if (!(thrown instanceof Error)) return { thrown: (cloneOf(() => thrown) ?? { value: textOf(() => thrown) }).value };
  const fields: Record<string, unknown> = {};
  for (const field of fieldsOf(thrown)) {
    const cloned = cloneOf(() => (thrown as unknown as Record<string, unknown>)[field]);
    if (cloned) fields[field] = cloned.value;
  }
  return {
    name: textOf(() => thrown.name),
    message: textOf(() => thrown.message),
    stack: textOf(() => thrown.stack),
    fields,
    ...("cause" in thrown &&
      causes > 0 && {
        cause: recordOf(
          attempt(() => thrown.cause),
          causes - 1,
        ),
      }),
  };
}

/** What was thrown, as far as its record tells. */
export function errorOf(record: unknown): unknown {
  // Another version may have kept it otherwise.
  if (typeof record !== "object" || record === null) return record;
  const kept = record as ErrorRecord;
  if ("thrown" in kept) return kept.thrown;
  const { name, message, stack, fields, cause } = kept;
  const error = new Error(message);
  const hidden = { name, stack, ...(cause && { cause: errorOf(cause) }) };
  for (const [field, value] of Object.entries(hidden))
    Object.defineProperty(error, field, { value, configurable: true, writable: true });
  return Object.assign(error, fields);
}

/** The fields that its class added, and those that an AggregateError has. */
function fieldsOf(error: Error): string[] {
  const own = Object.keys(error).filter((field) => field !== "cause");
  return error instanceof AggregateError ? ["errors", ...own] : own;
}

function cloneOf(read: () => unknown): { value: unknown } | undefined {
  return attempt(() => ({ value: structuredClone(read()) }));
}

function textOf(read: () => unknown): string {
  return attempt(() => String(read())) ?? "";
}

/** What was thrown is the user's own code, getters included: what it throws in turn is not worth a thought. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
