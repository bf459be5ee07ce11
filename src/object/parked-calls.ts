/** One parked call. */
export interface ParkedCall<R> {
  readonly requestId: string;
  readonly reply: Promise<R>;
}

/** How to answer a parked call, and when. */
interface Call<R> {
  answer: (reply: R) => void;
  /** When the long poll ends and the caller must be told to ask again; `Infinity` if the caller would not ask again. */
  until: number;
}

/** How many calls of one request may be parked at the same time. */
const MOST_PER_REQUEST = 100;

/**
 * The calls that are parked until their request is granted or their long poll ends.
 *
 * A request that is repeated while it waits has several calls, and the object can't tell which of them still has a
 * caller. So all get the same answer, and the request leaves the queue only when the last call has gone.
 */
export class ParkedCalls<R> {
  readonly #calls = new Map<string, Map<ParkedCall<R>, Call<R>>>();
  readonly #left: R;

  /** `left` is the answer to a call whose caller has gone. */
  constructor(left: R) {
    this.#left = left;
  }

  /** Whether the request has as many parked calls as allowed. */
  isFull(requestId: string): boolean {
    return (this.#calls.get(requestId)?.size ?? 0) >= MOST_PER_REQUEST;
  }

  park(requestId: string, until: number = Number.POSITIVE_INFINITY): ParkedCall<R> {
    const { promise, resolve } = Promise.withResolvers<R>();
    const parked = { requestId, reply: promise };
    const calls = this.#calls.get(requestId) ?? new Map<ParkedCall<R>, Call<R>>();
    this.#calls.set(requestId, calls.set(parked, { answer: resolve, until }));
    return parked;
  }

  answer(requestId: string, reply: R): void {
    for (const { answer } of this.take(requestId)) answer(reply);
  }

  /** Removes and returns the calls of a request. The caller must answer each of them. */
  take(requestId: string): Call<R>[] {
    const calls = [...(this.#calls.get(requestId)?.values() ?? [])];
    this.#calls.delete(requestId);
    return calls;
  }

  /** Removes one call whose caller has gone. Returns true if it was the last parked call of its request. */
  leave(parked: ParkedCall<R>): boolean {
    const { requestId } = parked;
    const calls = this.#calls.get(requestId);
    const call = calls?.get(parked);
    if (!calls || !call) return false;
    call.answer(this.#left);
    calls.delete(parked);
    if (calls.size > 0) return false;
    return this.#calls.delete(requestId);
  }
}
