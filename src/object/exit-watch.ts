import { RpcTarget } from "./platform.ts";
import type { HoldNews } from "../core/replies.ts";

/**
 * What binds a lease to the life of its holder's execution context.
 *
 * Two handles, because a call in flight keeps the handle that it was made on: were the news asked for on the tie, the
 * tie would outlive a holder that died.
 */
export interface Bond {
  /** Tells it from a refusal. */
  success: true;
  /** To be kept while holding. */
  tie: Tie;
  /** To be listened to while holding. */
  news: News;
}

/**
 * Ends a lease when the runtime disposes it: when the holder lets go of it, its execution context ends, or the
 * connection to it breaks.
 */
export class Tie extends RpcTarget {
  readonly #cut: () => void;

  /** Made by the object. */
  constructor(cut: () => void) {
    super();
    this.#cut = cut;
  }

  /** Ends the lease, if it is live, this is its last tie, and its holder has asked for news of it. */
  [Symbol.dispose](): void {
    this.#cut();
  }
}

/** What happens to a lease. */
export class News extends RpcTarget {
  readonly #next: (told: boolean) => Promise<HoldNews>;

  /** Made by the object. */
  constructor(next: (told: boolean) => Promise<HoldNews>) {
    super();
    this.#next = next;
  }

  /** The end of the lease, or, unless the holder was told before, that it is asked to release. */
  next(told: boolean): Promise<HoldNews> {
    return this.#next(told);
  }
}
