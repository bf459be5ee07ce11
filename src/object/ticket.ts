import { RpcTarget } from "cloudflare:workers";
import type { AcquireReply } from "../core/replies.ts";

/**
 * A place in the queue, for as long as its caller lives.
 *
 * The runtime disposes it when the caller's execution context ends, which is how a dead waiter leaves the queue at
 * once. It is for waiting only: kept while holding it would pin the object in memory, which is billed.
 */
export class Ticket extends RpcTarget {
  readonly #reply: Promise<AcquireReply>;
  readonly #onGone: () => void;

  /** Made by the object. */
  constructor(reply: Promise<AcquireReply>, onGone: () => void) {
    super();
    this.#reply = reply;
    this.#onGone = onGone;
  }

  /** The grant, or why there is none; at the latest when the slice of waiting ends. */
  granted(): Promise<AcquireReply> {
    return this.#reply;
  }

  /** Called by the runtime when the caller lets go of the ticket or dies. */
  [Symbol.dispose](): void {
    this.#onGone();
  }
}
