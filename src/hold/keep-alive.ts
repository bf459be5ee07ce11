import { type LeaseLoss, type LockErrorDetails, isLockError, LeaseLostError } from "../errors.ts";
import { reasonOf } from "../transport/outage.ts";
import { type Timer, clearTimer } from "../transport/time-box.ts";
import { ADVICE, lossMessage } from "./loss.ts";

/** What is known about a lease after a grant or renewal. */
export interface LeaseValidity {
  /** When the lease ends, by the object's clock: for people to read. */
  deadline: number;
  /** How long the lease lasts, counted from before the request was sent, so its time in the queue is included. */
  validFor: number;
  /** The local time at which `validFor` ends. */
  validUntil: number;
  /** Whether the holder is asked to release. */
  releaseRequested?: boolean;
}

/** The outcome of a renewal. If the outcome is unknown, the renewal throws instead. */
export type Renewal = LeaseValidity | { lost: LeaseLoss };

/** One attempt to renew for `ttl` ms. Gives up when `signal` fires, and reports each fault to `onFault`. */
export type Renew = (ttl: number, signal: AbortSignal, onFault: (fault: unknown) => void) => Promise<Renewal>;

/** The shortest time between two renewals, in milliseconds, however short the ttl. */
const SHORTEST_INTERVAL = 10;

/**
 * The time that the work has to stop after the local deadline, in milliseconds: this or a tenth of the ttl, if that is
 * less.
 */
export const GRACE = 1_000;

/** The fraction of a period by which two clocks may differ at its end: each may run 1 % too slow or too fast. */
const DRIFT = 0.02;

interface Lifetime {
  lease: number;
  ttl: number;
  /** Local time at which the hold must end; `Infinity` for no limit. */
  holdUntil: number;
  /** Called for each answer which says that the holder is asked to release. */
  onReleaseRequested: () => void;
}

/**
 * Keeps one lease alive and determines, by the local clock, when it is lost.
 *
 * Renews at a third of the ttl, and never runs two renewals at once. If the object answers that the lease has ended,
 * the lease is lost at once. If the object does not answer, the lease is lost at the local deadline. That deadline is
 * counted from before the last confirmed request was sent, and has a margin. So `signal` fires before the object can
 * grant the lock to another caller, even if the object never answers again.
 */
export class KeepAlive {
  /**
   * The local time until which the lease is certain to last. A plain value, so that other requests of the isolate may
   * read it.
   */
  readonly life = { until: 0 };
  readonly #lease: number;
  readonly #holdUntil: number;
  readonly #renew: Renew;
  readonly #onReleaseRequested: () => void;
  readonly #loss = new AbortController();
  readonly #onOver: (() => void)[] = [];
  /** Made only for what waits for the end of the hold. */
  #over: AbortController | undefined;
  #isOver = false;
  #ttl: number;
  #validity: LeaseValidity;
  #localDeadline = Number.POSITIVE_INFINITY;
  /**
   * The shortest ttl of the renewals without an answer: the object may still apply it, whenever the request arrives.
   */
  #doubtful = Number.POSITIVE_INFINITY;
  /** Why the last renewal is not confirmed, if that is known. */
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
    this.#over ??= new AbortController();
    if (this.#isOver && !this.#over.signal.aborted) this.#over.abort();
    return this.#over.signal;
  }

  /** Whether renewal has ended. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Calls `then` when renewal ends. */
  whenOver(then: () => void): void {
    this.#onOver.push(then);
  }

  /** When the lease ends by the object's clock. */
  get deadline(): number {
    return this.#validity.deadline;
  }

  /** Whether the lease is lost. Checks the clock, because timers don't run while a Worker computes. */
  isLost(): boolean {
    if (!this.#isOver && performance.now() >= this.#localDeadline) this.#lapse();
    return this.signal.aborted;
  }

  /** Milliseconds until the local deadline; 0 if renewal has ended. */
  remaining(): number {
    return this.#isOver ? 0 : Math.max(0, this.#localDeadline - performance.now());
  }

  /** Declares the lease lost. */
  lose(why: LeaseLoss, message: string, details?: LockErrorDetails): void {
    this.stop();
    // The first loss counts: a signal fires once.
    this.#loss.abort(new LeaseLostError(why, this.#lease, message, details));
  }

  /** Ends renewal for good, and leaves no timer behind. */
  stop(): void {
    clearTimer(this.#renewalTimer);
    clearTimer(this.#deadlineTimer);
    this.life.until = 0;
    if (this.#isOver) return;
    this.#isOver = true;
    this.#over?.abort();
    for (const then of this.#onOver) then();
  }

  /** Waits for a renewal that is under way, if there is one. */
  async settled(): Promise<void> {
    while (this.#renewing) await this.#renewing.catch(() => {});
  }

  /** Renews after any renewal that is under way. If `ttl` is given, later renewals use it too. */
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
    const { over } = this;
    over.throwIfAborted();
    const startedAt = performance.now();
    const ttl = Math.max(1, Math.floor(Math.min(this.#ttl, this.#holdUntil - startedAt)));
    const before = this.#doubtful;
    this.#doubtful = Math.min(before, ttl);
    // A renewal that shortens the lease may take effect even if no answer comes, so expect the earlier end from now on.
    this.#expectUntil(Math.min(this.#localDeadline, startedAt + ttl - marginOf(ttl, ttl)));
    try {
      const renewal = await this.#renew(ttl, over, (fault) => (this.#fault = fault));
      this.#doubtful = before;
      // The hold ended while the renewal was under way: a late answer must not revive it.
      if (over.aborted) return;
      if ("lost" in renewal) this.lose(renewal.lost, lossMessage(renewal.lost, this.#lease));
      else this.#confirm(renewal, ttl);
    } catch (error) {
      // Any fault, such as a refused token or a proxy's page, leads to a retry: only the object's own answer ends the
      // lease early.
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
    // A timer may fire a little early. If so, set it again.
    this.#deadlineTimer = setTimeout(() => this.isLost() || this.#watch(), left);
  }

  #schedule(since: number): void {
    if (this.#isAtMaxHold()) return;
    const jitter = 0.9 + 0.2 * Math.random();
    const delay = Math.max(SHORTEST_INTERVAL, since + this.#interval() * jitter - performance.now());
    // If this renewal fails, another one follows, until the local deadline: an unknown outcome is not a loss.
    this.#renewalTimer = setTimeout(() => void this.#renewOnce().catch(() => {}), delay);
  }

  #interval(): number {
    return Math.min(this.#ttl, this.#doubtful) / 3;
  }

  /**
   * Whether the lease already lasts until the hold must end. A ttl is a whole number of milliseconds, hence the slack.
   */
  #isAtMaxHold(): boolean {
    return this.#validity.validUntil >= this.#holdUntil - 2;
  }

  #lapse(): void {
    if (this.#isAtMaxHold())
      this.lose("expired", `Lease ${this.#lease} reached maxHold. Raise maxHold, or do less under one lock.`);
    else this.lose("unreachable", unconfirmedMessage(this.#lease, this.#fault), causeOf(this.#fault));
  }
}

/**
 * How long before the end of the lease the local deadline is. The longer the period, the more the clocks may differ.
 */
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
