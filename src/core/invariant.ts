/**
 * The state machine has contradicted its own rules: a defect of this library, and never the fault of a caller or of a row.
 *
 * It is thrown before any effect is returned. The state in memory is wrong then, so the host must start again from storage.
 */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** Throws an `InvariantError` that says what is wrong, unless the condition holds. */
export function invariant(holds: boolean, wrong: string): asserts holds {
  if (!holds) throw new InvariantError(wrong);
}
