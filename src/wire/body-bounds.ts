import { LIMITS } from "../core/limits.ts";

/** The most bytes of JSON that a result within the limit takes per byte of its structured clone. */
const MOST_GROWTH = 7;

/** The longest body with a result, in bytes: the result as JSON, and the rest of the body. */
export const MOST_BYTES_WITH_RESULT = MOST_GROWTH * LIMITS.maxResultBytes + 65_536;

/** The body and its fields around the result add some levels. */
const DEEPEST = LIMITS.maxResultDepth + 10;

/** The most objects and arrays in a body, more than any result has. Each takes far more memory than two characters. */
const MOST_CONTAINERS = 1_000_000;

/** Checks a text of JSON before it is parsed: "size" if it contains too much, "depth" if it is nested too deeply. */
export function excessOf(text: string): "size" | "depth" | undefined {
  if (text.length > MOST_BYTES_WITH_RESULT) return "size";
  let [depth, containers] = [0, 0];
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charCodeAt(at);
    if (character === QUOTE) at = endOfString(text, at);
    else if (character === OPEN_ARRAY || character === OPEN_OBJECT) {
      depth += 1;
      containers += 1;
      if (depth > DEEPEST) return "depth";
      if (containers > MOST_CONTAINERS) return "size";
    } else if (character === CLOSE_ARRAY || character === CLOSE_OBJECT) depth -= 1;
  }
  return undefined;
}

const [QUOTE, BACKSLASH, OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x22, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d];

/** The end of the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const character = text.charCodeAt(at);
    if (character === BACKSLASH) at += 1;
    else if (character === QUOTE) return at;
  }
  return text.length;
}
