import { RpcTarget } from "./platform.ts";
import type { AcquireReply } from "../core/replies.ts";

/**
 * What a queued caller gets: its place in the line, and its turn to wait for.
 *
 * Two handles, because a call in flight keeps the handle that it was made on: were the wait made on the place itself,
 * the place would outlive a caller that died waiting.
 */
export interface Ticket {
  /** To be let go of when the wait is over. */
  place: Place;
  /** To be waited for. */
  turn: Turn;
}

/**
 * A place in the queue, for as long as its caller lives.
 *
 * The runtime disposes it when the caller lets go of it or its execution context ends. It is for waiting only: kept
 * while holding it would pin the object in memory, which is billed.
 */
export class Place extends RpcTarget {
  readonly #leave: () => void;

  /** Made by the object. */
  constructor(leave: () => void) {
    super();
    this.#leave = leave;
  }

  /** Leaves the queue, unless the turn has come. */
  [Symbol.dispose](): void {
    this.#leave();
  }
}

/** A turn that will come. */
export class Turn extends RpcTarget {
  readonly #reply: Promise<AcquireReply>;

  /** Made by the object. */
  constructor(reply: Promise<AcquireReply>) {
    super();
    this.#reply = reply;
  }

  /** The grant, or why there is none; at the latest when the slice of waiting ends. */
  granted(): Promise<AcquireReply> {
    return this.#reply;
  }
}
