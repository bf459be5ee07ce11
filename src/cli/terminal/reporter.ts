/** The fields of a message, for programs. */
export type Fields = Readonly<Record<string, unknown>>;

/** How to report. */
export interface ReporterOptions {
  json: boolean;
  quiet: boolean;
}

/** Writes results to stdout and everything else to stderr. */
export class Reporter {
  readonly #manner: ReporterOptions;
  readonly #live: boolean;
  #shown = false;
  #said = "";

  constructor(manner: ReporterOptions) {
    this.#manner = manner;
    this.#live = process.stderr.isTTY && !manner.json;
    // The reader may be gone before the work is done. Ignore that: the work must go on.
    process.stderr.on("error", () => {});
    process.stdout.on("error", () => {});
  }

  /** Whether to report no progress. */
  get isQuiet(): boolean {
    return this.#manner.quiet;
  }

  /** Reports the result. */
  result(text: string, fields: Fields): void {
    process.stdout.write(`${this.#manner.json ? JSON.stringify(fields) : text}\n`);
  }

  /** Reports what happened. */
  note(event: string, text: string, fields: Fields = {}): void {
    if (!this.#manner.quiet) this.warning(event, text, fields);
  }

  /** Reports what needs attention, even with `--quiet`. */
  warning(event: string, text: string, fields: Fields): void {
    this.#clear();
    process.stderr.write(this.#manner.json ? `${JSON.stringify({ event, ...fields })}\n` : `durable-locks: ${text}\n`);
  }

  /** Reports progress: on a terminal, one line that it overwrites; elsewhere, a new line whenever `gist` changes. */
  progress(event: string, gist: string, detail: string, fields: Fields): void {
    if (this.#manner.quiet) return;
    if (this.#live) {
      this.#shown = true;
      process.stderr.write(`\r\u001B[2K${clip(`durable-locks: ${gist}${detail}`)}`);
    } else if (gist !== this.#said) {
      this.#said = gist;
      this.note(event, `${gist}${detail}`, fields);
    }
  }

  /** Reports what went wrong, even if it reports nothing else. */
  failure(message: string, exitCode: number, fields: Fields = {}): void {
    this.#clear();
    const asJson = () => JSON.stringify({ event: "failed", exitCode, message, ...fields });
    process.stderr.write(`${this.#manner.json ? asJson() : `durable-locks: ${message}`}\n`);
  }

  #clear(): void {
    if (this.#shown) process.stderr.write("\r\u001B[2K");
    this.#shown = false;
  }
}

/** Cuts a line to the width of the terminal: a line that wraps can't be overwritten. */
function clip(line: string): string {
  return line.slice(0, Math.max(20, process.stderr.columns - 1));
}

/** Makes other people's text safe for a terminal: their labels must not move its cursor. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?");
}

/** The service accepts no shorter token. */
const SHORTEST_TOKEN = 16;

/** Quotes typed text for a message, as `phrase` words it; empty if the text could be a token in the wrong place. */
export function quoted(text: string, phrase = (word: string) => ` ${word}`): string {
  return text.length < SHORTEST_TOKEN ? phrase(`"${printable(text)}"`) : "";
}
