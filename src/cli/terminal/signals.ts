import { ignoresHangup } from "../supervisor/hangup.ts";
import { EXIT, exitCodeOfSignal } from "./exit-codes.ts";

/** The signals that a terminal sends to its whole foreground group. */
const TO_ALL: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGWINCH", "SIGCONT"];

/** The signals that are meant for one program. They end a program that does not handle them. */
const TO_ONE: readonly NodeJS.Signals[] = ["SIGUSR1", "SIGUSR2"];

/** The signals that ask a process to end. */
export const ENDING: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"];

/** Something that gets the signals. */
interface Receiver {
  signal(signal: NodeJS.Signals, toAll: boolean): unknown;
}

/** The signals that this process gets. At first they interrupt what it waits for; later they go to a receiver. */
export class Signals {
  readonly #interruption = new AbortController();
  #receiver: Receiver | undefined;
  #received: NodeJS.Signals | undefined;

  constructor(onSuspend?: () => void) {
    const toAll = TO_ALL.filter((signal) => signal !== "SIGHUP" || !ignoresHangup());
    for (const signal of toAll) process.on(signal, () => this.#pass(signal, true));
    for (const signal of TO_ONE) process.on(signal, () => this.#pass(signal, false));
    // Don't let Ctrl-Z suspend this process: it could not renew the lease, and the command would be stopped.
    if (onSuspend) process.on("SIGTSTP", onSuspend);
  }

  /** Fires when a termination signal such as SIGTERM arrives while no receiver is registered. */
  get interruption(): AbortSignal {
    return this.#interruption.signal;
  }

  /** The exit code after an interruption. */
  get exitCode(): number {
    return this.#received ? exitCodeOfSignal(this.#received) : EXIT.ok;
  }

  /** From now on, passes signals on to the receiver, beginning with one that came too late to interrupt. */
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
