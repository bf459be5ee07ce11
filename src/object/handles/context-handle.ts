import { RpcTarget } from "../platform.ts";

/**
 * Tells the object that the execution context of its caller has ended.
 *
 * The runtime disposes of it when the caller does, when the caller's execution context ends, or when the connection
 * breaks. While a caller has one, the object stays in memory, which is billed.
 */
export class ContextHandle extends RpcTarget {
  readonly #onEnd: () => void;

  /** Made by the object. */
  constructor(onEnd: () => void) {
    super();
    this.#onEnd = onEnd;
  }

  /** Takes the caller's queue entry out of the queue, or ends the lease that the caller's exit watch belongs to. */
  [Symbol.dispose](): void {
    this.#onEnd();
  }
}
