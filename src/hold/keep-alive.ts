import { type LeaseLoss, type LockErrorDetails, isLockError, LeaseLostError } from "../errors.ts";
import { reasonOf } from "../transport/outage.ts";
import { type Timer, clearTimer } from "../transport/time-box.ts";
import { ADVICE, lossMessage } from "./loss.ts";

/** What is known of a lease after a grant or renewal. */
export interface LeaseValidity {
  /** By the object's clock: for people. */
  deadline: number;
  /** How long the lease lasts, counted from before the request left, its time in the queue included. */
  validFor: number;
  /** When that is over by the local clock. */
  validUntil: number;
  /** Whether the holder is asked to release. */
  releaseRequested?: boolean;
}

/** What a renewal came to; a throw means that nobody knows. */
export type Renewal = LeaseValidity | { lost: LeaseLoss };

/** One attempt to renew for `ttl` ms. Gives up when `signal` fires, and reports each fault to `onFault`. */
export type Renew = (ttl: number, signal: AbortSignal, onFault: (fault: unknown) => void) => Promise<Renewal>;

/** Renewals never follow each other faster than this, however short the ttl. */
const SHORTEST_INTERVAL = 10;

/** What the local deadline leaves the work to stop in, in milliseconds: this or a tenth of the ttl, whichever is less. */
export const GRACE = 1_000;

/** The part of a time by which two clocks may differ when it is over: each may run too slow or too fast by 1 %. */
const DRIFT = 0.02;

interface Lifetime {
  lease: number;
  ttl: number;
  /** Local instant after which the lease is not kept, `Infinity` for none. */
  holdUntil: number;
  /** Called with each answer that says so. */
  onReleaseRequested: () => void;
}

/**
 * Keeps one lease alive and knows, from its own stopwatch, when it is lost.
 *
 * Renews at a third of the ttl, never twice at once. An answer of "gone" is a loss at once; no answer is not, until the
 * local deadline. That deadline counts from before the last confirmed request left and has a margin, so `signal` fires
 * before the object can give the lease to another, even if the object never answers again.
 */
export class KeepAlive {
  /** Until when the lease is certain to last, by the local clock; plain, so that other requests of the isolate may read it. */
  readonly life = { until: 0 };
  readonly #lease: number;
  readonly #holdUntil: number;
  readonly #renew: Renew;
  readonly #onReleaseRequested: () => void;
  readonly #loss = new AbortController();
  readonly #over = new AbortController();
  #ttl: number;
  #validity: LeaseValidity;
  #localDeadline = Number.POSITIVE_INFINITY;
  /** The shortest ttl that was asked for and not answered: it may still be applied, whenever it arrives. */
  #doubtful = Number.POSITIVE_INFINITY;
  /** Why the last renewal is not confirmed, as far as that is known. */
  #fault: unknown;
  #renewing: Promise<void> | undefined;
  #renewalTimer: Timer | undefined;
  #deadlineTimer: Timer | undefined;

  constructor({ lease, ttl, holdUntil, onReleaseRequested }: Lifetime, validity: LeaseValidity, renew: Renew) {
    this.#lease = lease;
    this.#onReleaseRequested = onReleaseRequested;
    this.#ttl = ttl;
    this.#holdUntil = holdUntil;
    this.#renew = renew;
    this.#validity = validity;
    this.#confirm(validity, Math.min(ttl, holdUntil - performance.now()));
  }

  /** Fires with a `LeaseLostError` when the lease is lost. */
  get signal(): AbortSignal {
    return this.#loss.signal;
  }

  /** Fires when renewal has ended, whether the lease is lost or released. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** When the lease ends by the object's clock. */
  get deadline(): number {
    return this.#validity.deadline;
  }

  /** Whether the lease is lost. Checks the clock, because timers don't run while a Worker computes. */
  isLost(): boolean {
    if (!this.#over.signal.aborted && performance.now() >= this.#localDeadline) this.#lapse();
    return this.signal.aborted;
  }

  /** Milliseconds until the local deadline; 0 if renewal has ended. */
  remaining(): number {
    return this.#over.signal.aborted ? 0 : Math.max(0, this.#localDeadline - performance.now());
  }

  /** Declares the lease lost. */
  lose(why: LeaseLoss, message: string, details?: LockErrorDetails): void {
    this.stop();
    // The first loss counts: a signal fires once.
    this.#loss.abort(new LeaseLostError(why, this.#lease, message, details));
  }

  /** Ends renewal for good; nothing of it stays behind. */
  stop(): void {
    clearTimer(this.#renewalTimer);
    clearTimer(this.#deadlineTimer);
    this.life.until = 0;
    this.#over.abort();
  }

  /** Waits for a renewal that is under way, if there is one. */
  async settled(): Promise<void> {
    while (this.#renewing) await this.#renewing.catch(() => {});
  }

  /** Renews now, after a renewal that is under way; from then on with `ttl`, if given. */
  async renewNow(ttl: number | undefined): Promise<void> {
    await this.settled();
    this.#ttl = ttl ?? this.#ttl;
    await this.#renewOnce();
  }

  /** At most one renewal at a time. */
  #renewOnce(): Promise<void> {
    clearTimer(this.#renewalTimer);
    this.#renewing = this.#attempt().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  async #attempt(): Promise<void> {
    const over = this.#over.signal;
    over.throwIfAborted();
    const startedAt = performance.now();
    const ttl = Math.max(1, Math.floor(Math.min(this.#ttl, this.#holdUntil - startedAt)));
    const before = this.#doubtful;
    this.#doubtful = Math.min(before, ttl);
    // One that shortens the lease shortens it whether or not it is ever answered.
    this.#expectUntil(Math.min(this.#localDeadline, startedAt + ttl - marginOf(ttl, ttl)));
    try {
      const renewal = await this.#renew(ttl, over, (fault) => (this.#fault = fault));
      this.#doubtful = before;
      // Stopped or lost while the renewal was under way: what it says comes too late, and must not revive anything.
      if (over.aborted) return;
      if ("lost" in renewal) this.lose(renewal.lost, lossMessage(renewal.lost, this.#lease));
      else this.#confirm(renewal, ttl);
    } catch (error) {
      // Any fault, such as a refused token or a proxy's page, leads to a retry: only the object's own answer ends the lease early.
      if (!over.aborted) {
        this.#fault = isLockError(error, "UNREACHABLE") ? (error.cause ?? error) : error;
        this.#schedule(startedAt);
      }
      throw error;
    }
  }

  #confirm(validity: LeaseValidity, ttl: number): void {
    this.#validity = validity;
    this.#fault = undefined;
    if (validity.releaseRequested) this.#onReleaseRequested();
    const unlessDoubtful = validity.validUntil - Math.max(0, ttl - this.#doubtful);
    this.#expectUntil(Math.min(unlessDoubtful - marginOf(ttl, validity.validFor), this.#holdUntil));
    this.#schedule(performance.now());
  }

  #expectUntil(localDeadline: number): void {
    this.#localDeadline = localDeadline;
    this.life.until = localDeadline;
    this.#watch();
  }

  #watch(): void {
    clearTimer(this.#deadlineTimer);
    const left = Math.max(0, this.#localDeadline - performance.now());
    // A timer may fire a little early: then it is set again.
    this.#deadlineTimer = setTimeout(() => this.isLost() || this.#watch(), left);
  }

  #schedule(since: number): void {
    if (this.#isAtMaxHold()) return;
    const jitter = 0.9 + 0.2 * Math.random();
    const delay = Math.max(SHORTEST_INTERVAL, since + this.#interval() * jitter - performance.now());
    // One that fails is followed by another until the local deadline: not knowing is not a loss.
    this.#renewalTimer = setTimeout(() => void this.#renewOnce().catch(() => {}), delay);
  }

  #interval(): number {
    return Math.min(this.#ttl, this.#doubtful) / 3;
  }

  /** Whether the lease lasts already as long as the hold may; whole milliseconds are asked for, hence the slack. */
  #isAtMaxHold(): boolean {
    return this.#validity.validUntil >= this.#holdUntil - 2;
  }

  #lapse(): void {
    if (this.#isAtMaxHold())
      this.lose("expired", `Lease ${this.#lease} reached maxHold. Raise maxHold, or do less under one lock.`);
    else this.lose("unreachable", unconfirmedMessage(this.#lease, this.#fault), causeOf(this.#fault));
  }
}

/** How much earlier than the lease ends the local deadline is; the longer it is counted, the less the clocks agree. */
function marginOf(ttl: number, validFor: number): number {
  return Math.max(Math.min(GRACE, ttl / 10), validFor * DRIFT);
}

function causeOf(fault: unknown): LockErrorDetails {
  return fault === undefined ? {} : { cause: fault };
}

function unconfirmedMessage(lease: number, fault: unknown): string {
  if (fault === undefined) return lossMessage("unreachable", lease);
  return `Lease ${lease} was lost: no renewal was confirmed in time. The last one failed: ${reasonOf(fault)}. ${ADVICE}`;
}
