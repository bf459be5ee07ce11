interface Watcher {
  /** Resolves the call and returns true if its condition holds. */
  look: (now: number) => boolean;
  /** Ends the watch although the condition does not hold. */
  end: () => void;
  /** The time at which the watch ends, if nothing ends it before. */
  until: number;
  /** Whether it has not been checked yet. Its condition may have been true from the start. */
  isNew: boolean;
}

/** Calls that are parked until a condition on the object's state holds. The conditions are checked after each event. */
export class Watchers {
  readonly #all = new Set<Watcher>();

  get size(): number {
    return this.#all.size;
  }

  /** Waits until `find` returns a value; resolves to undefined if it has not by `until`. */
  watch<T>(find: (now: number) => T | undefined, until = Number.POSITIVE_INFINITY): Promise<T | undefined> {
    const { promise, resolve } = Promise.withResolvers<T | undefined>();
    const look = (now: number) => {
      const found = find(now);
      if (found !== undefined) resolve(found);
      return found !== undefined;
    };
    this.#all.add({ look, end: () => resolve(undefined), until, isNew: true });
    return promise;
  }

  /**
   * Answers the calls whose condition holds, checked only if something has happened, and the calls whose time is up.
   */
  check(now: number, hasHappened = true): void {
    for (const watcher of this.#all) {
      const found = (hasHappened || watcher.isNew) && watcher.look(now);
      watcher.isNew = false;
      if (!found && watcher.until > now) continue;
      if (!found) watcher.end();
      this.#all.delete(watcher);
    }
  }

  nextDue(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { until } of this.#all) next = Math.min(next, until);
    return next;
  }
}
