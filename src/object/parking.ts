/** One parked call. */
export interface Parked<R> {
  readonly requestId: string;
  readonly reply: Promise<R>;
}

/** Repetitions of one request that may be parked side by side. */
const MOST_PER_REQUEST = 100;

/**
 * The calls that are parked until their request is granted or its slice ends.
 *
 * A request that is repeated while it waits has several: all get the same answer, and it leaves the queue only when the
 * last of them is gone. Nobody knows which of them still has a caller.
 */
export class Parking<R> {
  readonly #calls = new Map<string, Map<Parked<R>, (reply: R) => void>>();
  readonly #left: R;

  /** `left` is the answer to a call whose caller is gone. */
  constructor(left: R) {
    this.#left = left;
  }

  /** Whether the request has as many parked calls as it may have. */
  isFull(requestId: string): boolean {
    return (this.#calls.get(requestId)?.size ?? 0) >= MOST_PER_REQUEST;
  }

  park(requestId: string): Parked<R> {
    const { promise, resolve } = Promise.withResolvers<R>();
    const parked = { requestId, reply: promise };
    const calls = this.#calls.get(requestId) ?? new Map<Parked<R>, typeof resolve>();
    this.#calls.set(requestId, calls.set(parked, resolve));
    return parked;
  }

  answer(requestId: string, reply: R): void {
    const calls = this.#calls.get(requestId);
    this.#calls.delete(requestId);
    for (const resolve of calls?.values() ?? []) resolve(reply);
  }

  /** Lets one call go, whose caller is gone; true if it was the last of its request that was still parked. */
  leave(parked: Parked<R>): boolean {
    const { requestId } = parked;
    const calls = this.#calls.get(requestId);
    const resolve = calls?.get(parked);
    if (!calls || !resolve) return false;
    resolve(this.#left);
    calls.delete(parked);
    if (calls.size > 0) return false;
    return this.#calls.delete(requestId);
  }
}
