import type { WriteStream } from "node:tty";
import { styleText } from "node:util";
import type { LockHolder, LockStatus, LockWaiter } from "./messages.ts";

type Style = "bold" | "dim" | "green" | "red" | "yellow";

/** How many waiters are shown. */
const SHOWN_WAITERS = 6;

/** The demo's output. On a terminal, the state of the lock stays at the bottom and is redrawn in place. */
export class View {
  readonly #out: WriteStream;
  readonly #isLive: boolean;
  /** The lines at the bottom that the next drawing replaces. */
  #block: string[] = [];
  /** Without a terminal: the last line about the lock, so that only changes are printed. */
  #said = "";

  constructor(out: WriteStream) {
    this.#out = out;
    this.#isLive = out.isTTY && process.env["TERM"] !== "dumb";
  }

  /** Prints a line that stays. */
  line(text = ""): void {
    this.#draw([text], this.#block);
  }

  title(text: string): void {
    this.line();
    this.line(this.#styled("bold", text));
  }

  /** Prints what a worker did. */
  event(owner: string, text: string): void {
    this.line(`  ${owner.padEnd(9)}  ${text}`);
  }

  /** Prints what went wrong for a worker. */
  alarm(owner: string, text: string): void {
    this.line(this.#styled("red", `  ${owner.padEnd(9)}  ${text}`));
  }

  /** Shows the current state of the lock. */
  show({ holders, waiters }: LockStatus): void {
    if (this.#isLive) this.#draw([], this.#blockOf(holders, waiters));
    else this.#say(holders, waiters);
  }

  /** Removes the lock from the screen. */
  hide(): void {
    this.#draw([], []);
  }

  #say(holders: LockHolder[], waiters: LockWaiter[]): void {
    const held = holders.map(({ owner, lease }) => `${owner} holds lease ${lease}`).join("; ") || "nobody holds it";
    const said = `${held}; ${waiters.length} waiting`;
    if (said === this.#said) return;
    this.#said = said;
    const next = waiters.slice(0, 3).map(({ owner, waited }) => `${owner} for ${waited} ms`);
    if (waiters.length > next.length) next.push("...");
    this.line(`  lock       ${said}${next.length > 0 ? `: ${next.join(", ")}` : ""}`);
  }

  #blockOf(holders: LockHolder[], waiters: LockWaiter[]): string[] {
    const held = holders.map((holder) => this.#row("green", `  holds  ${holderText(holder)}`));
    const queue = waiters
      .slice(0, SHOWN_WAITERS)
      .map(({ owner, waited }) => this.#row("yellow", `  waits  ${String(owner).padEnd(9)}  ${waited} ms`));
    const more = waiters.length - queue.length;
    if (more > 0) queue.push(this.#row("dim", `         and ${more} more`));
    return ["", ...(held.length > 0 ? held : [this.#row("dim", "  free")]), ...queue];
  }

  /** Clears the old block and prints `lines` and the new block, in one write so that nothing flickers. */
  #draw(lines: string[], block: string[]): void {
    const up = this.#block.length > 0 ? `\x1b[${this.#block.length}A\x1b[J` : "";
    this.#block = block;
    this.#out.write(up + [...lines, ...block].map((text) => `${text}\n`).join(""));
  }

  /** A line of the block, cut to the width of the terminal: a line that wraps would break the redrawing. */
  #row(style: Style, text: string): string {
    return this.#styled(style, text.slice(0, this.#out.columns || 80));
  }

  #styled(style: Style, text: string): string {
    return this.#isLive ? styleText(style, text, { stream: this.#out }) : text;
  }
}

function holderText({ owner, lease, deadline }: LockHolder): string {
  // In the demo the object runs on this machine. Anywhere else, don't compare the object's clock with a local one.
  const left = Math.max(0, deadline - Date.now());
  return `${String(owner).padEnd(9)}  lease ${lease}, ${left} ms left`;
}
