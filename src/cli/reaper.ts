import { monotonicNow } from "./clock.ts";
import { isGroupAlive, signalGroup } from "./process-group.ts";

/** Why a process group is brought to its end. */
export type Why = "doubt" | "lost" | "orphaned" | "leftovers" | "unguarded" | "asked";

/** How often the end of a group is looked for, in milliseconds. */
const LOOK_EVERY = 25;
/** How long a killed group may take to vanish: what the kernel can't end by then runs no more code of its own. */
const VANISHES_WITHIN = 2_000;
/** The longest that a timer can be set for. */
const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * Ends a process group in time: SIGTERM `grace` ms before the deadline, SIGKILL at the deadline.
 *
 * The deadline moves with each confirmed renewal, on the monotonic clock; one that has passed can't be moved.
 */
export class Reaper {
  readonly #group: number;
  readonly #grace: number;
  readonly #onStop: (why: Why) => void;
  #deadline: number;
  #stopBy = Number.POSITIVE_INFINITY;
  #stopping = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(group: number, grace: number, deadline: number, onStop: (why: Why) => void) {
    this.#group = group;
    this.#grace = grace;
    this.#deadline = deadline;
    this.#onStop = onStop;
    this.#arm();
  }

  /** The lease is known to last until then. */
  keepUntil(deadline: number): void {
    if (monotonicNow() < this.#deadline) this.#deadline = deadline;
    this.#arm();
  }

  /** SIGTERM now, SIGKILL after `within` ms, or at the deadline if that comes first. */
  stop(why: Why, within: number): void {
    this.#stopBy = Math.min(this.#stopBy, monotonicNow() + within);
    if (!this.#stopping) {
      this.#stopping = true;
      signalGroup(this.#group, "SIGTERM");
      // What is stopped would hear of it only when it is continued.
      signalGroup(this.#group, "SIGCONT");
      this.#onStop(why);
    }
    this.#arm();
  }

  /** Fulfils when nothing of the group runs any more; called once its leader has ended. */
  async gone(): Promise<void> {
    if (isGroupAlive(this.#group)) this.stop("leftovers", this.#grace);
    while (isGroupAlive(this.#group) && monotonicNow() < this.#killAt() + VANISHES_WITHIN)
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
    clearTimeout(this.#timer);
  }

  #killAt(): number {
    return Math.min(this.#deadline, this.#stopBy);
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const next = this.#stopping ? this.#killAt() : this.#deadline - this.#grace;
    const left = next - monotonicNow();
    if (left <= 0) this.#act();
    else this.#timer = setTimeout(() => this.#arm(), Math.min(Math.ceil(left), LONGEST_TIMER));
  }

  #act(): void {
    if (!this.#stopping) return this.stop("doubt", Number.POSITIVE_INFINITY);
    signalGroup(this.#group, "SIGKILL");
    this.#timer = setTimeout(() => this.#act(), LOOK_EVERY);
  }
}
