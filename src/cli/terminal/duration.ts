import { EXIT, Failure } from "./exit-codes.ts";

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds from `500ms`, `30s`, `5m`, `1.5h`, `7d` or `0`. A number alone is refused: people read it as seconds, the library as milliseconds. */
export function parseDuration(text: string, option: string): number {
  if (text === "0") return 0;
  const [, number = "", unit = ""] = /^(\d{1,12}(?:\.\d{1,3})?)(ms|s|m|h|d)$/.exec(text) ?? [];
  const factor = UNITS[unit];
  if (factor !== undefined) return Math.round(Number(number) * factor);
  const hint = /^\d+$/.test(text)
    ? `: ${text}s for seconds, ${text}ms for milliseconds`
    : ", such as 500ms, 30s, 5m, 2h or 7d";
  throw new Failure(EXIT.usage, `--${option} needs a number with its unit${hint}.`);
}

/** What stands for a time without end. */
export const FOREVER = "forever";

/** A wait, which may be `forever`. */
export function parseWait(text: string): number {
  return text === FOREVER ? Number.POSITIVE_INFINITY : parseDuration(text, "wait");
}

/** A duration for people: the two largest units, or less. */
export function showDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
}
