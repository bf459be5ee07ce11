import { ignoresHangup } from "../supervisor/hangup.ts";
import { EXIT, exitCodeOfSignal } from "./exit-codes.ts";

/** What a terminal sends to all of its foreground group. */
const TO_ALL: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGWINCH", "SIGCONT"];

/** What is meant for one program, and ends those that don't know it. */
const TO_ONE: readonly NodeJS.Signals[] = ["SIGUSR1", "SIGUSR2"];

/** What asks a process to end. */
export const ENDING: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"];

/** Who gets the signals. */
interface Receiver {
  signal(signal: NodeJS.Signals, toAll: boolean): unknown;
}

/** The signals that this process gets: at first they end what it waits for, later they are passed on. */
export class Signals {
  readonly #interruption = new AbortController();
  #receiver: Receiver | undefined;
  #received: NodeJS.Signals | undefined;

  constructor(onSuspend?: () => void) {
    const toAll = TO_ALL.filter((signal) => signal !== "SIGHUP" || !ignoresHangup());
    for (const signal of toAll) process.on(signal, () => this.#pass(signal, true));
    for (const signal of TO_ONE) process.on(signal, () => this.#pass(signal, false));
    // Suspended, it could not renew, and the command would be stopped.
    if (onSuspend) process.on("SIGTSTP", onSuspend);
  }

  /** Fires with the first signal that asks to end while there is nobody to pass it on to. */
  get interruption(): AbortSignal {
    return this.#interruption.signal;
  }

  /** What to exit with after an interruption. */
  get exitCode(): number {
    return this.#received ? exitCodeOfSignal(this.#received) : EXIT.ok;
  }

  /** From now on signals are passed on, beginning with one that came too late to interrupt. */
  passTo(receiver: Receiver): void {
    this.#receiver = receiver;
    if (this.#received) receiver.signal(this.#received, true);
  }

  #pass(signal: NodeJS.Signals, toAll: boolean): void {
    if (this.#receiver) this.#receiver.signal(signal, toAll);
    else if (ENDING.includes(signal)) {
      this.#received ??= signal;
      this.#interruption.abort(new Error(`Interrupted by ${signal}.`));
    }
  }
}
