import type { LockEvent } from "../core/events.ts";
import { LIMITS } from "../core/limits.ts";
import type { TimelineEntry } from "../core/replies.ts";

/** How many events are remembered. */
const MOST_ENTRIES = 50;

/** How long a follower may be away between two calls before its events are no longer recorded, in milliseconds. */
const AWAY = 5_000;

/**
 * The recent events of a lock, and a revision that changes with every change that `status()` shows.
 *
 * The events are in a ring buffer in memory and are recorded only while a caller follows the lock. The cost per event
 * does not depend on how many holders and waiters there are.
 */
export class Timeline {
  /** Differs for each instance, so a restart also changes the revision. */
  readonly #epoch = crypto.randomUUID();
  readonly #ring: TimelineEntry[] = [];
  /** The index of the next entry; once the ring is full, that is the oldest entry, which is replaced. */
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

  /** Starts or continues recording. It stops when no follower has asked again within a long poll and `AWAY` ms. */
  follow(now: number): void {
    this.#followedUntil = now + LIMITS.longPoll + AWAY;
  }

  /** Records events while a caller follows. The revision always changes, to show that something happened. */
  record(events: LockEvent[], now: number): void {
    this.#changes += events.length;
    if (now > this.#followedUntil) return;
    for (const event of events) if ("at" in event) this.#add(event);
  }

  #add(entry: TimelineEntry): void {
    this.#ring[this.#next] = entry;
    this.#next = (this.#next + 1) % MOST_ENTRIES;
  }
}
