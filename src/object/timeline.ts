import type { LockEvent } from "../core/events.ts";
import { LIMITS } from "../core/limits.ts";
import type { TimelineEntry } from "../core/replies.ts";

/** How many events are remembered. */
const MOST_ENTRIES = 50;

/** How long a follower may be away between two calls before its events are no longer recorded, in milliseconds. */
const AWAY = 5_000;

/**
 * What has happened to a lock recently, and a revision that changes with every change that `status()` shows.
 *
 * A ring buffer in memory, which records events only while somebody follows the lock. It costs per event, however many
 * hold the lock or wait for it.
 */
export class Timeline {
  /** Of this instance, so that a restart is a change too. */
  readonly #epoch = crypto.randomUUID();
  readonly #ring: TimelineEntry[] = [];
  /** Where the next entry goes, in place of the oldest once the ring is full. */
  #next = 0;
  #changes = 0;
  #followedUntil = Number.NEGATIVE_INFINITY;

  get revision(): string {
    return `${this.#epoch}.${this.#changes}`;
  }

  /** The latest events, oldest first. */
  get entries(): TimelineEntry[] {
    return [...this.#ring.slice(this.#next), ...this.#ring.slice(0, this.#next)];
  }

  /** Starts or continues recording. Recording stops when the follower has not asked again within a long poll. */
  follow(now: number): void {
    this.#followedUntil = now + LIMITS.longPoll + AWAY;
  }

  /** Records what has happened, if anybody follows. The revision changes in any case: it must tell that there was something. */
  record(events: LockEvent[], now: number): void {
    this.#changes += events.length;
    if (now > this.#followedUntil) return;
    for (const event of events) if ("lease" in event) this.#add(event);
  }

  #add(entry: TimelineEntry): void {
    this.#ring[this.#next] = entry;
    this.#next = (this.#next + 1) % MOST_ENTRIES;
  }
}
