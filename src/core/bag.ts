/**
 * Items in no order, each of which can be removed in constant time.
 *
 * A `Set` has no cheap way to take any one item: to find its first item it skips every item that was deleted before it.
 */
export class Bag<T> {
  readonly #items: T[] = [];
  readonly #indexes = new Map<T, number>();

  /** Some item; undefined if the bag is empty. */
  get any(): T | undefined {
    return this.#items.at(-1);
  }

  has(item: T): boolean {
    return this.#indexes.has(item);
  }

  add(item: T): void {
    if (this.#indexes.has(item)) return;
    this.#indexes.set(item, this.#items.length);
    this.#items.push(item);
  }

  /** Returns false if the item is not there. */
  delete(item: T): boolean {
    const index = this.#indexes.get(item);
    if (index === undefined) return false;
    this.#indexes.delete(item);
    const last = this.#items.pop() as T;
    if (last === item) return true;
    this.#items[index] = last;
    this.#indexes.set(last, index);
    return true;
  }

  clear(): void {
    this.#items.length = 0;
    this.#indexes.clear();
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#items[Symbol.iterator]();
  }
}
