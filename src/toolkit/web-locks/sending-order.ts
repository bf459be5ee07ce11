import { ANSWER_WITHIN } from "../../transport/call.ts";
import { type RequestMark, isThisRequest } from "../../transport/own-request.ts";
import { timeBox } from "../../transport/time-box.ts";

/** A lock request that may not have arrived yet. */
interface Sending {
  mark: RequestMark;
  since: number;
  arrived: Promise<void>;
}

/** When a lock request may be sent. */
export interface TurnToSend {
  /** Settles when the request may be sent; undefined if that is at once. Rejects if its signal fires before. */
  readonly come: Promise<unknown> | undefined;
  /** Call this when the request has arrived at the object, or is given up. */
  readonly arrived: () => void;
}

/**
 * Lets lock requests for one name arrive in the order in which they were made.
 *
 * Each is sent when the previous one has arrived, or after 5 s at the latest, so that one call delayed by a fault does
 * not hold up all later ones. A lock request waits only for those of its own Worker request: the promises of another
 * Worker request never settle once that has ended, and its stubs can't be used.
 */
export class SendingOrder {
  /** By name, in the order of the last request for each name, so that `#sweep` finds what dead Worker requests left. */
  readonly #sendings = new Map<string, Sending[]>();

  join(name: string, mark: RequestMark, signal: AbortSignal | undefined): TurnToSend {
    const since = performance.now();
    this.#sweep(since);
    const others = (this.#sendings.get(name) ?? []).filter((sending) => isRecent(sending, since));
    const before = others.findLast((sending) => isThisRequest(sending.mark));
    const { promise, resolve } = Promise.withResolvers<void>();
    const mine = { mark, since, arrived: promise };
    this.#sendings.delete(name);
    this.#sendings.set(name, [...others, mine]);
    let hasTurn = before === undefined;
    const come = before && timeBox(before.arrived, ANSWER_WITHIN, signal).then(() => (hasTurn = true));
    const arrived = () => {
      this.#remove(name, mine);
      // If this request is given up before it may be sent, the next one must still wait for the earlier ones.
      resolve(hasTurn ? undefined : before?.arrived);
    };
    return { come, arrived };
  }

  #remove(name: string, mine: Sending): void {
    const left = (this.#sendings.get(name) ?? []).filter((sending) => sending !== mine);
    if (left.length > 0) this.#sendings.set(name, left);
    else this.#sendings.delete(name);
  }

  #sweep(now: number): void {
    for (const [name, sendings] of this.#sendings) {
      if (sendings.some((sending) => isRecent(sending, now))) return;
      this.#sendings.delete(name);
    }
  }
}

function isRecent({ since }: Sending, now: number): boolean {
  return now - since < ANSWER_WITHIN;
}
