import { Random } from "./random.ts";

interface Event {
  at: number;
  order: number;
  run: () => void;
}

/** Taken before the globals are replaced. */
const { setImmediate: afterMicrotasks } = globalThis;

/**
 * Simulated time: events in the order of their instants, and after each of them everything that follows from it at once.
 *
 * One thread, one seed: the same seed plays the same world again.
 */
export class World {
  readonly random: Random;
  /** What happened, for people who look into a failure. */
  readonly trace: string[] = [];
  readonly #keepsTrace: boolean;
  readonly #queue: Event[] = [];
  #now = 0;
  #scheduled = 0;
  #played = 0;

  constructor(seed: string, keepsTrace = false) {
    this.random = new Random(seed);
    this.#keepsTrace = keepsTrace;
  }

  /** True time, in milliseconds, which no participant can see. */
  get now(): number {
    return this.#now;
  }

  get played(): number {
    return this.#played;
  }

  /** A separate stream of random numbers. */
  stream(name: string): Random {
    return this.random.fork(name);
  }

  after(delay: number, run: () => void): void {
    const event = { at: this.#now + Math.max(0, delay), order: (this.#scheduled += 1), run };
    insert(this.#queue, event);
  }

  tell(what: () => string): void {
    if (this.#keepsTrace) this.trace.push(`${this.#now.toFixed(2).padStart(12)}  ${what()}`);
  }

  /** Plays on until `isOver`, or nothing is left to happen, or `until` comes. */
  async play(until: number, isOver: () => boolean): Promise<void> {
    // What was begun before the first event.
    await settled();
    while (!isOver()) {
      const event = this.#queue[0];
      if (!event || event.at > until) return;
      removeFirst(this.#queue);
      this.#now = event.at;
      this.#played += 1;
      event.run();
      await settled();
    }
  }
}

/** All promises that can settle now have done so. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    afterMicrotasks(resolve);
  });
}

const isBefore = (one: Event, other: Event) => one.at < other.at || (one.at === other.at && one.order < other.order);

/** A binary heap. */
function insert(heap: Event[], event: Event): void {
  let place = heap.length;
  while (place > 0) {
    const parent = (place - 1) >> 1;
    const above = heap[parent] as Event;
    if (!isBefore(event, above)) break;
    heap[place] = above;
    place = parent;
  }
  heap[place] = event;
}

function removeFirst(heap: Event[]): void {
  const last = heap.pop();
  if (!last || heap.length === 0) return;
  let place = 0;
  for (;;) {
    let child = 2 * place + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1] as Event, heap[child] as Event)) child += 1;
    if (!isBefore(heap[child] as Event, last)) break;
    heap[place] = heap[child] as Event;
    place = child;
  }
  heap[place] = last;
}
