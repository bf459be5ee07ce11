import { monotonicNow } from "./monotonic-clock.ts";
import { type Survivors, isGroupAlive, signalGroup, survivorsOf } from "./process-group.ts";

/** Why the reaper ends a process group. */
export type EndReason = "doubt" | "lost" | "orphaned" | "leftovers" | "unsupervised" | "asked" | "given-up";

/** For these reasons the lease is not held for processes that can't be ended, so the reaper does not wait for them. */
const GIVES_UP: ReadonlySet<EndReason> = new Set(["lost", "orphaned", "given-up"]);

/** How often to check whether a group has ended, in milliseconds. */
const LOOK_EVERY = 25;

/** The same if only processes that can't be ended are left: they may live for hours. */
const LOOK_AT_STUCK_EVERY = 500;

/** How long a killed process may take to vanish, in ms. After that it counts as a process that can't be ended. */
const VANISHES_WITHIN = 2_000;

/** Report processes that can't be ended only after this time, in milliseconds: they may be about to end. */
const REPORT_AFTER = 250;

/** The longest delay of a timer, in milliseconds. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** Learns about what the reaper does. */
export interface Listener {
  onStop(why: EndReason): void;
  /** Only these are left, and no signal from here ends them. Called again once others have replaced them all. */
  onStuck(survivors: Survivors): void;
}

/**
 * Ends a process group in time: SIGTERM `grace` ms before the deadline, SIGKILL at the deadline.
 *
 * The deadline is on the monotonic clock and moves with each confirmed renewal. Once it has passed, it can't move.
 */
export class Reaper {
  /** Fulfils when no process of the group can run, or with the survivors once the lease is no longer held for them. */
  readonly ended: Promise<Survivors | undefined>;
  readonly #group: number;
  readonly #grace: number;
  readonly #listener: Listener;
  readonly #end = Promise.withResolvers<Survivors | undefined>();
  #deadline: number;
  #stopBy = Number.POSITIVE_INFINITY;
  #stopping = false;
  #givesUp = false;
  #hasEnded = false;
  #killedAt = Number.POSITIVE_INFINITY;
  #stuckSince = Number.POSITIVE_INFINITY;
  #reported: Survivors | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(group: number, grace: number, deadline: number, listener: Listener) {
    this.ended = this.#end.promise;
    this.#group = group;
    this.#grace = grace;
    this.#deadline = deadline;
    this.#listener = listener;
    this.#arm();
  }

  /** Learns that the lease lasts until `deadline`. */
  keepUntil(deadline: number): void {
    if (monotonicNow() < this.#deadline) this.#deadline = deadline;
    this.#arm();
  }

  /** Sends SIGTERM now, and SIGKILL after `within` ms or at the deadline, whichever comes first. */
  stop(why: EndReason, within: number): void {
    if (this.#hasEnded) return;
    this.#stopBy = Math.min(this.#stopBy, monotonicNow() + within);
    this.#givesUp ||= GIVES_UP.has(why);
    if (!this.#stopping) {
      this.#stopping = true;
      signalGroup(this.#group, "SIGTERM");
      // A stopped process handles SIGTERM only after it continues.
      signalGroup(this.#group, "SIGCONT");
      this.#listener.onStop(why);
      void this.#watch();
    }
    this.#arm();
  }

  /** The leader of the group has ended: ends the processes that it left behind. */
  leaderEnded(): void {
    if (isGroupAlive(this.#group)) this.stop("leftovers", this.#grace);
    else this.#finish(undefined);
  }

  async #watch(): Promise<void> {
    for (;;) {
      const survivors = survivorsOf(this.#group);
      if (!survivors) return this.#finish(undefined);
      const isStuck = survivors.beyondReach || monotonicNow() >= this.#killedAt + VANISHES_WITHIN;
      if (isStuck && this.#mayGiveUp()) return this.#finish(survivors);
      this.#report(isStuck ? survivors : undefined);
      await new Promise((resolve) => setTimeout(resolve, this.#reported ? LOOK_AT_STUCK_EVERY : LOOK_EVERY));
    }
  }

  #report(stuck: Survivors | undefined): void {
    if (!stuck) {
      this.#stuckSince = Number.POSITIVE_INFINITY;
      this.#reported = undefined;
      return;
    }
    this.#stuckSince = Math.min(this.#stuckSince, monotonicNow());
    if (monotonicNow() < this.#stuckSince + REPORT_AFTER) return;
    const known = this.#reported;
    // Report again only after all reported processes have ended: others may come and go.
    if (known && (known.pids.length === 0 || known.pids.some((pid) => stuck.pids.includes(pid)))) return;
    this.#reported = stuck;
    this.#listener.onStuck(stuck);
  }

  #mayGiveUp(): boolean {
    return this.#givesUp || monotonicNow() >= this.#deadline;
  }

  #finish(survivors: Survivors | undefined): void {
    // From now on the system may reuse the id of the group.
    this.#hasEnded = true;
    clearTimeout(this.#timer);
    this.#end.resolve(survivors);
  }

  #killAt(): number {
    return Math.min(this.#deadline, this.#stopBy);
  }

  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#hasEnded) return;
    const next = this.#stopping ? this.#killAt() : this.#deadline - this.#grace;
    const left = next - monotonicNow();
    if (left <= 0) this.#act();
    else this.#timer = setTimeout(() => this.#arm(), Math.min(Math.ceil(left), LONGEST_TIMER));
  }

  #act(): void {
    if (!this.#stopping) return this.stop("doubt", Number.POSITIVE_INFINITY);
    this.#killedAt = Math.min(this.#killedAt, monotonicNow());
    signalGroup(this.#group, "SIGKILL");
    // Kill again and again: a process that can't be killed may start some that can.
    this.#timer = setTimeout(() => this.#arm(), this.#reported ? LOOK_AT_STUCK_EVERY : LOOK_EVERY);
  }
}
