/** How many deleted entries may stay in the order before they are removed from it together. */
const SPARE = 1_000;

interface Entry<K, V> {
  key: K;
  value: V;
}

/**
 * A map that can tell its oldest entry in constant time.
 *
 * To find its first entry, a `Map` skips every entry that was deleted before it.
 */
export class AgedMap<K, V> {
  readonly #entries = new Map<K, Entry<K, V>>();
  /** The entries in the order in which they were set, and some that were deleted since. */
  #order: Entry<K, V>[] = [];
  /** The entries of `#order` before this index were deleted. */
  #first = 0;

  get size(): number {
    return this.#entries.size;
  }

  get(key: K): V | undefined {
    return this.#entries.get(key)?.value;
  }

  /** Sets a value. Its entry is then the newest. */
  set(key: K, value: V): void {
    const entry = { key, value };
    this.#entries.set(key, entry);
    this.#order.push(entry);
    if (this.#order.length > 2 * this.size + SPARE) this.#compact();
  }

  delete(key: K): void {
    this.#entries.delete(key);
  }

  /** The value that was set before all others; undefined if the map is empty. */
  get oldest(): V | undefined {
    for (let entry = this.#order[this.#first]; entry; entry = this.#order[this.#first]) {
      if (this.#isCurrent(entry)) return entry.value;
      this.#first += 1;
    }
    return undefined;
  }

  #isCurrent(entry: Entry<K, V>): boolean {
    return this.#entries.get(entry.key) === entry;
  }

  #compact(): void {
    this.#order = this.#order.filter((entry) => this.#isCurrent(entry));
    this.#first = 0;
  }
}
