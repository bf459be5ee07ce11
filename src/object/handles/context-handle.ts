import { RpcTarget } from "../platform.ts";

/**
 * Tells the object that the execution context of its caller has ended.
 *
 * The runtime calls its dispose method when the caller disposes of the handle, when the caller's execution context
 * ends, or when the connection breaks. While a caller has a handle, the object stays in memory, which is billed.
 */
export class ContextHandle extends RpcTarget {
  readonly #onEnd: () => void;

  /** The object creates it. */
  constructor(onEnd: () => void) {
    super();
    this.#onEnd = onEnd;
  }

  /** Removes the caller's queue entry, or ends the lease of the caller's exit watch. */
  [Symbol.dispose](): void {
    this.#onEnd();
  }
}
