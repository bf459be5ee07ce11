import { ENDING } from "../terminal/signals.ts";
import { type Survivors, survivorsOf } from "./process-group.ts";
import type { SupervisedCommand } from "./supervised-command.ts";

/** How long to wait after a signal before looking for processes that it did not reach: the others need time to end. */
const LOOK_AFTER = 250;

/** Called with the processes for which the lock is held, and whether one more signal gives them up. */
export type OnStuck = (survivors: Survivors, isAsked: boolean) => void;

/**
 * Passes signals on to a command. If no signal can end some of its processes, the second signal that asks it to end
 * gives the command up.
 *
 * A signal counts as the second only after a message has announced that. Otherwise one Ctrl-C could count as two: this
 * program gets it from the terminal, and npm passes it on as well.
 */
export class SecondSignal {
  readonly #onStuck: OnStuck;
  #command: SupervisedCommand | undefined;
  #isAsked = false;
  #told: Survivors | undefined;
  #look: NodeJS.Timeout | undefined;

  constructor(onStuck: OnStuck) {
    this.#onStuck = onStuck;
  }

  /** The command has started. */
  follow(command: SupervisedCommand): void {
    this.#command = command;
  }

  /** Only these processes are left of the command. */
  stuck(survivors: Survivors): void {
    if (this.#isAsked) this.#told = survivors;
    this.#onStuck(survivors, this.#isAsked);
  }

  signal(signal: NodeJS.Signals, toAll: boolean): void {
    if (!ENDING.includes(signal)) return this.#command?.signal(signal, toAll);
    if (this.#isStillStuck()) return this.#command?.giveUp();
    this.#isAsked = true;
    this.#command?.signal(signal, toAll);
    clearTimeout(this.#look);
    this.#look = setTimeout(() => this.#lookFor(), LOOK_AFTER).unref();
  }

  #lookFor(): void {
    const survivors = this.#command && survivorsOf(this.#command.pid);
    if (!survivors) return;
    const { foreign, beyondReach } = survivors;
    if (beyondReach || foreign.length > 0) this.stuck({ ...survivors, pids: foreign });
  }

  /** Whether a process that the message named is still alive. If not, signals go to the command as usual. */
  #isStillStuck(): boolean {
    const now = this.#told && this.#command && survivorsOf(this.#command.pid);
    if (!this.#told || !now) return false;
    const { pids } = this.#told;
    return pids.length === 0 || pids.some((pid) => now.pids.includes(pid));
  }
}
