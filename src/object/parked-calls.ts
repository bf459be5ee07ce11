/** One parked call. */
export interface ParkedCall<R> {
  readonly requestId: string;
  readonly reply: Promise<R>;
}

/** What a call that is parked waits for. */
interface Call<R> {
  answer: (reply: R) => void;
  /** When it must be answered, though not for good: its caller asks again. */
  until: number;
}

/** Repetitions of one request that may be parked side by side. */
const MOST_PER_REQUEST = 100;

/**
 * The calls that are parked until their request is granted or its slice ends.
 *
 * A request that is repeated while it waits has several: all get the same answer, and it leaves the queue only when the
 * last of them is gone. Nobody knows which of them still has a caller.
 */
export class ParkedCalls<R> {
  readonly #calls = new Map<string, Map<ParkedCall<R>, Call<R>>>();
  readonly #left: R;

  /** `left` is the answer to a call whose caller is gone. */
  constructor(left: R) {
    this.#left = left;
  }

  /** Whether the request has as many parked calls as it may have. */
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

  /** Takes out the calls of a request, to be answered one by one. */
  take(requestId: string): Call<R>[] {
    const calls = [...(this.#calls.get(requestId)?.values() ?? [])];
    this.#calls.delete(requestId);
    return calls;
  }

  /** Lets one call go, whose caller is gone; true if it was the last of its request that was still parked. */
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
