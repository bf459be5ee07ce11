import { RpcTarget } from "../platform.ts";

/** The reply that a waiting caller will get: a pending grant of a lock, or the outcome of a generation of a barrier. */
export class PendingReply<R> extends RpcTarget {
  readonly #reply: Promise<R>;

  /** Made by the object. */
  constructor(reply: Promise<R>) {
    super();
    this.#reply = reply;
  }

  /** The grant, or why there is none; at the latest when the long poll ends. */
  granted(): Promise<R> {
    return this.#reply;
  }

  /** The same, by the name that callers of a barrier know. */
  known(): Promise<R> {
    return this.#reply;
  }
}
