import { LIMITS } from "../core/limits.ts";
import type { LockState } from "../core/lock-state.ts";
import type { LockHolder, TimelineEntry } from "../core/replies.ts";

/** How many events are remembered. */
const MOST_ENTRIES = 50;

/** How long a follower may be away between two calls before nobody takes notes for it, in milliseconds. */
const AWAY = 5_000;

/**
 * What has happened to a lock of late, and a revision that changes with every change that `status()` shows.
 *
 * In memory, and kept only while somebody follows: a lock that nobody looks at pays nothing for it.
 */
export class Timeline {
  /** Of this instance, so that a restart is a change too. */
  readonly #epoch = crypto.randomUUID();
  #changes = 0;
  #shape = "";
  #holders: LockHolder[] = [];
  readonly #entries: TimelineEntry[] = [];
  #followedUntil = Number.NEGATIVE_INFINITY;

  get revision(): string {
    return `${this.#epoch}.${this.#changes}`;
  }

  /** The latest events, oldest first. */
  get entries(): TimelineEntry[] {
    return [...this.#entries];
  }

  /** Takes notes from now on, for whoever asks again within a slice. */
  follow(state: LockState, now: number): void {
    const isResumed = now > this.#followedUntil;
    this.#followedUntil = now + LIMITS.slice + AWAY;
    // What happened while nobody followed is not known: whoever holds now is where the notes begin.
    if (isResumed) this.#holders = state.status(now).holders;
    this.note(state, now);
  }

  /** Notes what has changed since it was last looked at, if anybody follows. */
  note(state: LockState, now: number): void {
    if (now > this.#followedUntil) return;
    const { holders, delayedUntil } = state.status(now);
    const terms = holders.map(({ lease, deadline, releaseRequested, exclusive, permits, capacity }) =>
      [lease, deadline, releaseRequested, exclusive, permits, capacity].join(" "),
    );
    const shape = `${terms.join()} ${state.queueChanges} ${delayedUntil}`;
    if (shape === this.#shape) return;
    this.#shape = shape;
    this.#changes += 1;
    this.#compare(holders, state, now);
  }

  /** A lease that is about to end because its holder is gone: to those who look, its time is over. */
  cut(lease: number, now: number): void {
    for (const holder of this.#holders) if (holder.lease === lease) holder.deadline = Math.min(holder.deadline, now);
  }

  #compare(holders: LockHolder[], state: LockState, now: number): void {
    const before = new Set(this.#holders.map(({ lease }) => lease));
    const after = new Set(holders.map(({ lease }) => lease));
    for (const holder of this.#holders)
      if (!after.has(holder.lease)) this.#add(holder, endOf(holder, state, now), Math.min(holder.deadline, now));
    for (const holder of holders) if (!before.has(holder.lease)) this.#add(holder, "granted", now);
    this.#holders = holders;
  }

  #add({ lease, owner }: LockHolder, what: TimelineEntry["what"], at: number): void {
    this.#entries.push({ at, lease, ...(owner !== undefined && { owner }), what });
    if (this.#entries.length > MOST_ENTRIES) this.#entries.shift();
  }
}

/** One whose time is over can't have ended otherwise, whether or not the lock has noticed yet. */
function endOf({ lease, deadline }: LockHolder, state: LockState, now: number): TimelineEntry["what"] {
  return deadline <= now ? "expired" : (state.gone(lease).ended ?? "released");
}
