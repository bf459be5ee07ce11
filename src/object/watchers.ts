interface Watcher {
  /** Resolves the call if what it waits for has come. */
  look: (now: number) => boolean;
  /** Ends the watch empty-handed. */
  end: () => void;
  /** When it ends at the latest. */
  until: number;
  /** Not looked at yet: what it waits for may have come before it. */
  isNew: boolean;
}

/** Calls that are parked until something about the lock is so. They are looked at when something has happened. */
export class Watchers {
  readonly #all = new Set<Watcher>();

  get size(): number {
    return this.#all.size;
  }

  /** Waits until `find` finds something; undefined if it has not by `until`. */
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

  /** Answers those who find what they wait for, if anything has happened, and those whose time is up. */
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
