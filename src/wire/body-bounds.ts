import { LIMITS } from "../core/limits.ts";

/** No result within the limit takes more bytes of JSON for a byte of its structured clone. */
const MOST_GROWTH = 7;

/** The longest body with a result, in bytes: the result as JSON, and what else the body has. */
export const MOST_BYTES_WITH_RESULT = MOST_GROWTH * LIMITS.maxResultBytes + 65_536;

/** Around a result there are the body and its field. */
const DEEPEST = LIMITS.maxResultDepth + 10;

/** More objects and arrays than the JSON of any result has. Each takes far more memory than its two characters. */
const MOST_CONTAINERS = 1_000_000;

/** What is wrong with the size of a text of JSON, before it is parsed: too much in it, or nested too deeply. */
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

/** Where the string ends that begins at `start`. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const character = text.charCodeAt(at);
    if (character === BACKSLASH) at += 1;
    else if (character === QUOTE) return at;
  }
  return text.length;
}
