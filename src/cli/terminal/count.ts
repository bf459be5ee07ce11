import { EXIT, Failure } from "./exit-codes.ts";
import { quoted } from "./reporter.ts";

/** Parses a whole number such as a lease. `name` is the name of an option with its dashes, or of a positional. */
export function parseCount(text: string, name: string, most = Number.MAX_SAFE_INTEGER, orWord?: string): number {
  if (text === orWord) return Number.POSITIVE_INFINITY;
  if (/^[1-9]\d*$/.test(text) && Number(text) <= most) return Number(text);
  const or = orWord === undefined ? "" : `, or ${orWord}`;
  const not = quoted(text, (word) => `, not ${word}`);
  throw new Failure(EXIT.usage, `${name} must be a whole number from 1 to ${most}${or}${not}.`);
}
