import { ENDING } from "../terminal/signals.ts";
import { type Survivors, survivorsOf } from "./process-group.ts";
import type { SupervisedCommand } from "./supervised-command.ts";

/** How long after a signal to look for processes that it did not reach: those that it did reach may be about to end. */
const LOOK_AFTER = 250;

/** Hears which processes keep the lock, and whether one more signal gives them up. */
export type OnStuck = (survivors: Survivors, isAsked: boolean) => void;

/**
 * Passes signals on to a command. If the command has processes that no signal can end, gives it up at the second signal
 * that asks it to end.
 *
 * A signal counts as the second only after a message has said that it will. Otherwise one Ctrl-C could count as two: the
 * program gets it from the terminal, and npm passes it on as well.
 */
export class SecondSignal {
  readonly #onStuck: OnStuck;
  #ward: SupervisedCommand | undefined;
  #isAsked = false;
  #told: Survivors | undefined;
  #look: NodeJS.Timeout | undefined;

  constructor(onStuck: OnStuck) {
    this.#onStuck = onStuck;
  }

  /** The command has started. */
  follow(ward: SupervisedCommand): void {
    this.#ward = ward;
  }

  /** Only these are left of the command. */
  stuck(survivors: Survivors): void {
    if (this.#isAsked) this.#told = survivors;
    this.#onStuck(survivors, this.#isAsked);
  }

  signal(signal: NodeJS.Signals, toAll: boolean): void {
    if (!ENDING.includes(signal)) return this.#ward?.signal(signal, toAll);
    if (this.#isStillStuck()) return this.#ward?.giveUp();
    this.#isAsked = true;
    this.#ward?.signal(signal, toAll);
    clearTimeout(this.#look);
    this.#look = setTimeout(() => this.#lookFor(), LOOK_AFTER).unref();
  }

  #lookFor(): void {
    const survivors = this.#ward && survivorsOf(this.#ward.pid);
    if (!survivors) return;
    const { foreign, beyondReach } = survivors;
    if (beyondReach || foreign.length > 0) this.stuck({ ...survivors, pids: foreign });
  }

  /** Whether a process that the message named still lives. If not, the command still gets its signals. */
  #isStillStuck(): boolean {
    const now = this.#told && this.#ward && survivorsOf(this.#ward.pid);
    if (!this.#told || !now) return false;
    const { pids } = this.#told;
    return pids.length === 0 || pids.some((pid) => now.pids.includes(pid));
  }
}
