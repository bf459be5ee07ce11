/**
 * The state machine has broken its own rules. This is a bug in this library, never the fault of a caller or a stored
 * row.
 *
 * It is thrown before any effect is returned. The state in memory is now wrong, so the host must reload from storage.
 */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** Throws an `InvariantError` with the given message unless the condition holds. */
export function invariant(holds: boolean, wrong: string): asserts holds {
  if (!holds) throw new InvariantError(wrong);
}
