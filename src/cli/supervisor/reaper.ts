import { monotonicNow } from "./monotonic-clock.ts";
import { type Survivors, isGroupAlive, signalGroup, survivorsOf } from "./process-group.ts";

/** Why a process group is brought to its end. */
export type EndReason = "doubt" | "lost" | "orphaned" | "leftovers" | "unguarded" | "asked" | "given-up";

/** After these the lease is not kept for processes that can't be ended, so the reaper does not wait for them. */
const LETTING_GO: ReadonlySet<EndReason> = new Set(["lost", "orphaned", "given-up"]);

/** How often the end of a group is looked for, in milliseconds. */
const LOOK_EVERY = 25;

/** The same when only processes that can't be ended are left: they may live for hours. */
const LOOK_AT_STUCK_EVERY = 500;

/** How long a killed process may take to vanish before it counts as one that can't be ended. */
const VANISHES_WITHIN = 2_000;

/** How long such processes must be the only ones left before they are reported: they may be about to end. */
const REPORT_AFTER = 250;

/** The longest that a timer can be set for. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** Learns about what the reaper does. */
export interface Listener {
  onStop(why: EndReason): void;
  /** Only these are left, and no signal from here ends them. Called again when other processes have replaced them all. */
  onStuck(survivors: Survivors): void;
}

/**
 * Ends a process group in time: SIGTERM `grace` ms before the deadline, SIGKILL at the deadline.
 *
 * The deadline moves with each confirmed renewal, on the monotonic clock; one that has passed can't be moved.
 */
export class Reaper {
  /** Fulfils when nothing of the group can run; or with what can't be ended, once the lease is no longer kept for it. */
  readonly ended: Promise<Survivors | undefined>;
  readonly #group: number;
  readonly #grace: number;
  readonly #listener: Listener;
  readonly #end = Promise.withResolvers<Survivors | undefined>();
  #deadline: number;
  #stopBy = Number.POSITIVE_INFINITY;
  #stopping = false;
  #lettingGo = false;
  #isOver = false;
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

  /** The lease is known to last until then. */
  keepUntil(deadline: number): void {
    if (monotonicNow() < this.#deadline) this.#deadline = deadline;
    this.#arm();
  }

  /** SIGTERM now, SIGKILL after `within` ms, or at the deadline if that comes first. */
  stop(why: EndReason, within: number): void {
    if (this.#isOver) return;
    this.#stopBy = Math.min(this.#stopBy, monotonicNow() + within);
    this.#lettingGo ||= LETTING_GO.has(why);
    if (!this.#stopping) {
      this.#stopping = true;
      signalGroup(this.#group, "SIGTERM");
      // What is stopped would hear of it only when it is continued.
      signalGroup(this.#group, "SIGCONT");
      this.#listener.onStop(why);
      void this.#watch();
    }
    this.#arm();
  }

  /** Ends what the leader of the group, which has ended, left behind. */
  leaderEnded(): void {
    if (isGroupAlive(this.#group)) this.stop("leftovers", this.#grace);
    else this.#finish(undefined);
  }

  async #watch(): Promise<void> {
    for (;;) {
      const survivors = survivorsOf(this.#group);
      if (!survivors) return this.#finish(undefined);
      const isStuck = survivors.beyondReach || monotonicNow() >= this.#killedAt + VANISHES_WITHIN;
      if (isStuck && this.#isLettingGo()) return this.#finish(survivors);
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
    // Report again only when all of the reported processes have ended: others may come and go.
    if (known && (known.pids.length === 0 || known.pids.some((pid) => stuck.pids.includes(pid)))) return;
    this.#reported = stuck;
    this.#listener.onStuck(stuck);
  }

  #isLettingGo(): boolean {
    return this.#lettingGo || monotonicNow() >= this.#deadline;
  }

  #finish(survivors: Survivors | undefined): void {
    // From now on the system may give the number of the group to another one.
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#end.resolve(survivors);
  }

  #killAt(): number {
    return Math.min(this.#deadline, this.#stopBy);
  }

  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#isOver) return;
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
