interface Entry<T> {
  item: T;
  at: number;
  order: number;
}

/** The heap may always hold this many outdated entries before they are removed. */
const OUTDATED_AT_LEAST = 64;

/**
 * What is due at which time. Reading the earliest time costs the same however many items are scheduled.
 *
 * It is a binary heap. If an item is scheduled again, its old entry stays in the heap. That entry is skipped when it
 * reaches the top, or removed when most entries are outdated.
 */
export class Schedule<T> {
  readonly #current = new Map<T, Entry<T>>();
  #heap: Entry<T>[] = [];
  #scheduled = 0;

  /** Schedules an item; replaces the time at which it was due before. */
  set(item: T, at: number): void {
    const entry = { item, at, order: (this.#scheduled += 1) };
    this.#current.set(item, entry);
    if (this.#heap.length > 2 * this.#current.size + OUTDATED_AT_LEAST)
      // A sorted list is a heap.
      this.#heap = [...this.#current.values()].sort(compare);
    else insert(this.#heap, entry);
  }

  delete(item: T): void {
    this.#current.delete(item);
  }

  /** When the first item is due; `Infinity` if there is none. */
  first(): number {
    return this.#top()?.at ?? Number.POSITIVE_INFINITY;
  }

  /** Removes and returns all items that are due, earliest first. */
  takeDue(now: number): T[] {
    const due: T[] = [];
    for (let top = this.#top(); top && top.at <= now; top = this.#top()) {
      this.#current.delete(top.item);
      due.push(top.item);
    }
    return due;
  }

  clear(): void {
    this.#current.clear();
    this.#heap = [];
  }

  #top(): Entry<T> | undefined {
    for (let top = this.#heap[0]; top; top = this.#heap[0]) {
      if (this.#current.get(top.item) === top) return top;
      removeFirst(this.#heap);
    }
    return undefined;
  }
}

function compare(one: Entry<unknown>, other: Entry<unknown>): number {
  return one.at - other.at || one.order - other.order;
}

function insert<T>(heap: Entry<T>[], entry: Entry<T>): void {
  let index = heap.length;
  while (index > 0) {
    const parent = (index - 1) >> 1;
    const above = heap[parent] as Entry<T>;
    if (compare(entry, above) >= 0) break;
    heap[index] = above;
    index = parent;
  }
  heap[index] = entry;
}

function removeFirst<T>(heap: Entry<T>[]): void {
  const last = heap.pop();
  if (!last || heap.length === 0) return;
  let index = 0;
  for (let child = 1; child < heap.length; child = 2 * index + 1) {
    const right = heap[child + 1];
    if (right && compare(right, heap[child] as Entry<T>) < 0) child += 1;
    const below = heap[child] as Entry<T>;
    if (compare(below, last) >= 0) break;
    heap[index] = below;
    index = child;
  }
  heap[index] = last;
}
