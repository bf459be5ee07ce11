import { RpcTarget } from "../platform.ts";

/** The reply that a waiting caller will get: a pending grant of a lock, or the outcome of a generation of a barrier. */
export class PendingReply<R> extends RpcTarget {
  readonly #reply: Promise<R>;

  /** The object creates it. */
  constructor(reply: Promise<R>) {
    super();
    this.#reply = reply;
  }

  /** The grant or the outcome, or why there is none. It comes when the long poll ends, at the latest. */
  reply(): Promise<R> {
    return this.#reply;
  }
}
