/** What goes with a message for programs. */
export type Fields = Readonly<Record<string, unknown>>;

/** How to speak. */
export interface ReporterOptions {
  json: boolean;
  quiet: boolean;
}

/** Results on stdout, everything else on stderr. */
export class Reporter {
  readonly #manner: ReporterOptions;
  readonly #live: boolean;
  #shown = false;
  #said = "";

  constructor(manner: ReporterOptions) {
    this.#manner = manner;
    this.#live = process.stderr.isTTY && !manner.json;
    // The reader may be gone before the work is done, and that is no reason to give the work up.
    process.stderr.on("error", () => {});
    process.stdout.on("error", () => {});
  }

  /** Whether nobody reads how work goes on. */
  get isQuiet(): boolean {
    return this.#manner.quiet;
  }

  /** What was asked for. */
  result(text: string, fields: Fields): void {
    process.stdout.write(`${this.#manner.json ? JSON.stringify(fields) : text}\n`);
  }

  /** What happened. */
  note(event: string, text: string, fields: Fields = {}): void {
    if (!this.#manner.quiet) this.warning(event, text, fields);
  }

  /** What needs attention: shown even with `--quiet`. */
  warning(event: string, text: string, fields: Fields): void {
    this.#clear();
    process.stderr.write(this.#manner.json ? `${JSON.stringify({ event, ...fields })}\n` : `durable-locks: ${text}\n`);
  }

  /** What is going on: a line that is replaced on a terminal; elsewhere a line whenever `gist` is another than before. */
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

  /** What went wrong: told even if nothing else is. */
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

/** A line that wraps can't be taken back. */
function clip(line: string): string {
  return line.slice(0, Math.max(20, process.stderr.columns - 1));
}

/** Text of others, fit for a terminal: their labels must not move its cursor. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?");
}

/** The service takes no shorter token. */
const SHORTEST_TOKEN = 16;

/** Repeats what somebody typed in a message, as `phrase` has it; nothing if it could be a token in the wrong place. */
export function quoted(text: string, phrase = (word: string) => ` ${word}`): string {
  return text.length < SHORTEST_TOKEN ? phrase(`"${printable(text)}"`) : "";
}
