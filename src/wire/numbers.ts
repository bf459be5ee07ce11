/** How JSON says `Infinity`, which it has no number for. */
export const UNLIMITED = "unlimited";

/** A number, or no limit. */
export type WireNumber = number | typeof UNLIMITED;

/** To JSON. */
export function toWireNumber(value: number): WireNumber {
  return value === Number.POSITIVE_INFINITY ? UNLIMITED : value;
}

/** From JSON; whatever else it is stays as it is, to be refused by its name. */
export function fromWireNumber<T extends WireNumber | undefined>(value: T): Exclude<T, typeof UNLIMITED> | number {
  return value === UNLIMITED ? Number.POSITIVE_INFINITY : (value as Exclude<T, typeof UNLIMITED>);
}
