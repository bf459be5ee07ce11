import { LIMITS } from "../../core/limits.ts";
import type { LiveHold } from "../../hold/held-lease.ts";
import { lossMessage } from "../../hold/loss.ts";
import { ANSWER_WITHIN } from "../../transport/call.ts";
import { type RequestMark, isThisRequest } from "../../transport/own-request.ts";
import type { WebLockInfo, WebLockSnapshot } from "./web-lock-manager.ts";

/** A waiting request calls again within this time, in milliseconds. If it does not, its Worker request has died. */
const SIGN_OF_LIFE = LIMITS.silence + LIMITS.longPoll + ANSWER_WITHIN;

const FEW = 64;

/** One request of a manager. */
interface Entry {
  info: WebLockInfo;
  mark: RequestMark;
  hold?: LiveHold;
  /**
   * The local time until which it certainly lives. A plain value, so that other requests of the isolate may read it.
   */
  life: { until: number };
}

/** One request, as the list sees it. */
export interface ListedWebLock {
  /** Notes that the request still waits. */
  readonly waits: () => void;
  /** Moves it from the requests that wait to the locks that are held. */
  readonly hold: (hold: LiveHold) => void;
  readonly remove: () => void;
}

/**
 * What a manager holds and waits for.
 *
 * The requests of an isolate may share it. A request that dies can't remove its entries, so an entry without a sign of
 * life is left out of snapshots, and is swept out when there are many.
 */
export class WebLockList {
  readonly #held = new Set<Entry>();
  readonly #pending = new Set<Entry>();
  #sweepAt = FEW;

  /** `mayWait`: whether to list it as pending. */
  add(info: WebLockInfo, mark: RequestMark, mayWait: boolean): ListedWebLock {
    if (this.#held.size + this.#pending.size >= this.#sweepAt) this.#sweep();
    const entry: Entry = { info, mark, life: { until: 0 } };
    const waits = () => (entry.life.until = performance.now() + SIGN_OF_LIFE);
    waits();
    if (mayWait) this.#pending.add(entry);
    return {
      waits,
      hold: (hold) => {
        this.#pending.delete(entry);
        this.#held.add(Object.assign(entry, { hold, life: hold.keepAlive.life }));
      },
      remove: () => {
        this.#pending.delete(entry);
        this.#held.delete(entry);
      },
    };
  }

  /**
   * Ends the holds on a lock that this manager has stolen from itself. Holds of other Worker requests can't be reached.
   */
  loseHolds(name: string): void {
    for (const { info, mark, hold, life } of this.#held)
      if (info.name === name && hold && isLive({ life }) && isThisRequest(mark))
        hold.keepAlive.lose("superseded", lossMessage("superseded", hold.held.lease));
  }

  snapshot(): WebLockSnapshot {
    return { held: copies(this.#held), pending: copies(this.#pending) };
  }

  #sweep(): void {
    for (const entries of [this.#held, this.#pending])
      for (const entry of entries) if (!isLive(entry)) entries.delete(entry);
    this.#sweepAt = Math.max(FEW, 2 * (this.#held.size + this.#pending.size));
  }
}

function isLive({ life }: Pick<Entry, "life">): boolean {
  return performance.now() < life.until;
}

function copies(entries: Set<Entry>): WebLockInfo[] {
  return [...entries].filter(isLive).map(({ info }) => ({ ...info }));
}
