import type { AcquireReply } from "../core/replies.ts";

/** One parked call. */
export interface Parked {
  readonly requestId: string;
  readonly reply: Promise<AcquireReply>;
}

/** The calls that are parked until their request is granted or its slice ends: at most one for each request. */
export class Parking {
  readonly #parked = new Map<string, Parked & { resolve: (reply: AcquireReply) => void }>();

  /** Parks a call; one parked before for the same request is let go, its caller having asked again. */
  park(requestId: string): Parked {
    this.answer(requestId, { success: false, reason: "BORROWED" });
    const { promise, resolve } = Promise.withResolvers<AcquireReply>();
    const parked = { requestId, reply: promise, resolve };
    this.#parked.set(requestId, parked);
    return parked;
  }

  answer(requestId: string, reply: AcquireReply): void {
    this.#parked.get(requestId)?.resolve(reply);
    this.#parked.delete(requestId);
  }

  /** Whether the call is still parked: not answered, nor replaced by a later call of the same request. */
  has(parked: Parked): boolean {
    return this.#parked.get(parked.requestId) === parked;
  }
}
