import { DurableObject } from "cloudflare:workers";
import { LIMITS, checkDuration, checkLease, checkText } from "../core/limits.ts";
import { LockState } from "../core/lock-state.ts";
import type { AcquireReply, LockStatus, RefusalReply, ReleaseReply } from "../core/replies.ts";
import { type LockRequest, type RequestOptions, checkRequest, checkRequestIdOption } from "../core/request.ts";
import type { Slot } from "../core/slots.ts";
import { SteadyClock } from "../core/steady-clock.ts";
import { LockError } from "../errors.ts";
import { serve } from "./http.ts";
import { Parking } from "./parking.ts";
import { LeaseStorage } from "./storage.ts";
import { Place, type Ticket, Turn } from "./ticket.ts";
import { WakeTimer } from "./wake-timer.ts";

const newId = () => crypto.randomUUID();

/**
 * The Durable Object behind a lock: one object for each lock id.
 *
 * Export it from your Worker's main module, bind it with a SQLite migration, and use it through `useDurableLock`.
 * Its methods answer expected outcomes, bad arguments included, with a result and never throw for them.
 *
 * @example
 * ```ts
 * export { DurableLock } from "durable-locks";
 * ```
 */
export class DurableLock extends DurableObject {
  readonly #clock = new SteadyClock();
  readonly #leases: LeaseStorage;
  readonly #parking = new Parking();
  readonly #timer = new WakeTimer(() => this.#run((now) => this.#state.wake(now)));
  readonly #state: LockState;
  #alarmIsSet = false;

  /** Called by the runtime. */
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    this.#leases = new LeaseStorage(ctx.storage.sql);
    this.#state = new LockState(this.#leases.load(), this.#now());
    // Asked for and not inferred from the rows: an alarm that was lost would never be set again.
    if (this.#leases.exists)
      void ctx.blockConcurrencyWhile(async () => {
        this.#alarmIsSet = (await ctx.storage.getAlarm()) !== null;
      });
  }

  /**
   * Takes the lock for `ttl` milliseconds, or renews it if given the lease that holds it.
   *
   * With `wait` the call is parked for at most 25 s; ask again with the same `requestId` to keep the place.
   */
  async acquire(ttl: number, leaseOrOptions?: number | RequestOptions | null): Promise<AcquireReply> {
    if (leaseOrOptions !== null && leaseOrOptions !== undefined && typeof leaseOrOptions !== "object")
      return this.renew(leaseOrOptions, ttl);
    return this.#answer(() => this.#request(checkRequest(ttl, leaseOrOptions, newId)).reply);
  }

  /** Like `acquire` with `wait`, but the place in the queue ends with its caller: see `Ticket`. */
  enqueue(ttl: number, options?: RequestOptions): Ticket {
    try {
      const { reply, leave } = this.#request(checkRequest(ttl, options, newId));
      return { place: new Place(leave), turn: new Turn(Promise.resolve(reply)) };
    } catch (error) {
      return { place: new Place(() => {}), turn: new Turn(Promise.resolve(refusalOf(error))) };
    }
  }

  /** Sets the remaining time of a live lease to `ttl` milliseconds. */
  async renew(lease: number, ttl: number, options?: { requestId?: string }): Promise<AcquireReply> {
    return this.#answer(() => {
      const checked = [checkLease(lease), checkDuration(ttl, "ttl"), checkRequestIdOption(options, newId)] as const;
      return this.#run((now) => this.#state.renew(...checked, now));
    });
  }

  /** Ends a live lease. */
  async release(lease: number, options?: { requestId?: string }): Promise<ReleaseReply> {
    return this.#answer(() => {
      const checked = [checkLease(lease), checkRequestIdOption(options, newId)] as const;
      return this.#run((now) => this.#state.release(...checked, now));
    });
  }

  /** Takes a request back: it leaves the queue, and if it was granted meanwhile its lease is released. */
  async cancel(requestId: string): Promise<true | RefusalReply> {
    return this.#answer(() => {
      const checked = checkText(requestId, "requestId");
      this.#run((now) => this.#state.cancel(checked, now));
      return true as const;
    });
  }

  /** Whether any lease is live. */
  async isLocked(): Promise<boolean> {
    return this.#state.isLocked(this.#now());
  }

  /** Who holds the lock and who waits for it. */
  async status(): Promise<LockStatus> {
    return this.#state.status(this.#now());
  }

  /** The same over plain requests: `/acquire?ttl=&lease=`, `/renew`, `/release?lease=`, `/isLocked`, `/status`. */
  override async fetch(request: Request): Promise<Response> {
    return serve(this, request);
  }

  /** Wipes the lock once it has not been used for a day; until then moves itself, at most once a day. */
  override async alarm(): Promise<void> {
    const now = this.#now();
    try {
      if (this.#isIdle(now)) return await this.#wipe();
    } catch (error) {
      // Left to the runtime an alarm that keeps failing is gone after seven tries, and with it this lock's clean-up.
      console.error("durable-locks: the clean-up failed and will be tried again in a day.", error);
    }
    await this.ctx.storage.setAlarm(now + LIMITS.cleanUp);
    this.#alarmIsSet = true;
  }

  #isIdle(now: number): boolean {
    const lastUse = this.#state.lastUse() ?? Number.NEGATIVE_INFINITY;
    return this.#state.waiting === 0 && now - lastUse >= LIMITS.idle;
  }

  async #wipe(): Promise<void> {
    // Before compatibility date 2026-02-24 deleteAll leaves the alarm, which would wake an empty object for ever.
    const wiped = Promise.all([this.ctx.storage.deleteAlarm(), this.ctx.storage.deleteAll()]);
    // In the same turn as the deletion: a grant that comes next must create the table and set the alarm again.
    this.#state.forget();
    this.#leases.forget();
    this.#alarmIsSet = false;
    await wiped;
  }

  #request(request: LockRequest): { reply: AcquireReply | Promise<AcquireReply>; leave: () => void } {
    const { wait, requestId } = request;
    if (wait === 0) return { reply: this.#run((now) => this.#state.acquire(request, now)), leave: () => {} };
    if (this.#parking.isFull(requestId)) return { reply: { success: false, reason: "QUEUE_FULL" }, leave: () => {} };
    const reply = this.#run((now) => this.#state.enqueue(request, now));
    if (reply) return { reply, leave: () => {} };
    const parked = this.#parking.park(requestId);
    const leave = () => {
      if (this.#parking.leave(parked)) this.#run((now) => this.#state.drop(requestId, now));
    };
    return { reply: parked.reply, leave };
  }

  /** One transition and its effects, in one turn: what is written and what is answered can't come apart. */
  #run<T>(transition: (now: number) => T): T {
    const now = this.#now();
    const result = transition(now);
    const { writes, answers } = this.#state.takeEffects();
    if (writes.length > 0) this.#write(writes, now);
    for (const { requestId, reply } of answers) this.#parking.answer(requestId, reply);
    this.#timer.set(this.#state.nextWake(now), now);
    return result;
  }

  #write(writes: Slot[], now: number): void {
    try {
      this.#leases.write(writes);
      if (!this.#alarmIsSet) void this.ctx.storage.setAlarm(now + LIMITS.cleanUp);
      this.#alarmIsSet = true;
    } catch (error) {
      // Memory is ahead of storage now. The instance must not answer from it: start again from what is stored.
      this.ctx.abort("The lock could not be written.");
      throw error;
    }
  }

  async #answer<T>(work: () => T | Promise<T>): Promise<T | RefusalReply> {
    try {
      return await work();
    } catch (error) {
      return refusalOf(error);
    }
  }

  #now(): number {
    return this.#clock.read(Date.now());
  }
}

/** A bad argument as a result: an error class would lose its fields across RPC before compatibility date 2026-04-21. */
function refusalOf(error: unknown): RefusalReply {
  if (!(error instanceof LockError)) throw error;
  const { argument, message } = error;
  return { success: false, reason: "INVALID_ARGUMENT", message, ...(argument !== undefined && { argument }) };
}
