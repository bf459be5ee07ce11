import { EXIT, Failure } from "./exit-codes.ts";
import { quoted } from "./reporter.ts";

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The word for an unlimited time. */
export const FOREVER = "forever";

/** The ranges of the options that take a time, as in the library. `run` computes the upper limit of --grace. */
const RANGES = {
  ttl: { from: "1ms", to: "1d" },
  wait: { from: "0", to: "1d", word: FOREVER },
  "max-hold": { from: "1ms", to: "1d", word: FOREVER },
  retain: { from: "1ms", to: "366d" },
  grace: { from: "0" },
} as const satisfies Record<string, Range>;

interface Range {
  from: string;
  to?: string;
  word?: typeof FOREVER;
}

/** Milliseconds from `500ms`, `30s`, `5m`, `1.5h`, `7d`, `0` or, if the option accepts it, `forever`. */
export function parseDuration(text: string, option: keyof typeof RANGES): number {
  const range: Range = RANGES[option];
  if (text === range.word) return Number.POSITIVE_INFINITY;
  const duration = millisecondsOf(text);
  if (duration === undefined) throw new Failure(EXIT.usage, `--${option} must be ${mismatch(text, range)}.`);
  const { from, to = text } = range;
  if (duration >= (millisecondsOf(from) ?? 0) && duration <= (millisecondsOf(to) ?? 0)) return duration;
  const or = range.word === undefined ? "" : `, or ${range.word}`;
  const not = quoted(text, (word) => `, not ${word}`);
  throw new Failure(EXIT.usage, `--${option} must be from ${from} to ${to}${or}${not}.`);
}

function millisecondsOf(text: string): number | undefined {
  if (text === "0") return 0;
  const [, number = "", unit = ""] = /^(\d{1,12}(?:\.\d{1,3})?)(ms|s|m|h|d)$/.exec(text) ?? [];
  const factor = UNITS[unit];
  return factor === undefined ? undefined : Math.round(Number(number) * factor);
}

/** What the option accepts, and why this text does not fit. */
function mismatch(text: string, { from, word }: Range): string {
  // Refuse a bare number: people read it as seconds, the library as milliseconds.
  if (/^\d{1,12}$/.test(text))
    return `a duration with its unit, not "${text}": write ${text}s for seconds or ${text}ms for milliseconds`;
  const examples = ["500ms", "10s", "5m", "2h", "1d", ...(from === "0" ? [from] : []), ...(word ? [word] : [])];
  const not = quoted(text, (shown) => `, not ${shown}`);
  const because = /^-[\d.]/.test(text) ? ": it can't be negative" : "";
  return `a duration such as ${examples.slice(0, -1).join(", ")} or ${examples.at(-1)}${not}${because}`;
}

/** A duration for people, in at most two units. */
export function showDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
}
