/** What is kept of what a job threw: cloning an error as it is would lose its class's name and its own fields. */
type ErrorRecord =
  | { thrown: unknown }
  | { name: string; message: string; stack: string | undefined; fields: Record<string, unknown> };

/** The record of what was thrown; what of it can't be cloned is left out. */
export function recordOf(thrown: unknown): ErrorRecord {
  if (!(thrown instanceof Error)) return { thrown: isCloneable(thrown) ? thrown : String(thrown) };
  const { name, message, stack } = thrown;
  const cause = "cause" in thrown ? { cause: thrown.cause } : {};
  const fields = Object.entries(Object.assign(cause, thrown)).filter(([, value]) => isCloneable(value));
  return { name, message, stack, fields: Object.fromEntries(fields) };
}

/** What was thrown, as far as its record tells. */
export function errorOf(record: unknown): unknown {
  const kept = record as ErrorRecord;
  if ("thrown" in kept) return kept.thrown;
  const { name, message, stack, fields } = kept;
  const error = new Error(message);
  const own = { name, ...(stack !== undefined && { stack }) };
  for (const [field, value] of Object.entries(own))
    Object.defineProperty(error, field, { value, configurable: true, writable: true });
  return Object.assign(error, fields);
}

function isCloneable(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}
