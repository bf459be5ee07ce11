/** Stands for `Infinity`, for which JSON has no number. */
export const UNLIMITED = "unlimited";

/** A number, or no limit. */
export type WireNumber = number | typeof UNLIMITED;

/** To JSON. */
export function toWireNumber(value: number): WireNumber {
  return value === Number.POSITIVE_INFINITY ? UNLIMITED : value;
}

/** From JSON. Leaves every other value as it is, so that a later check can refuse it and name the argument. */
export function fromWireNumber<T extends WireNumber | undefined>(value: T): Exclude<T, typeof UNLIMITED> | number {
  return value === UNLIMITED ? Number.POSITIVE_INFINITY : (value as Exclude<T, typeof UNLIMITED>);
}
