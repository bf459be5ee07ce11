import { type Caller, type CallerOption, scopedTo, takeCaller } from "../core/caller.ts";
import {
  checkDuration,
  checkFlag,
  checkLease,
  checkOptions,
  checkText,
  checkWait,
  checkWatched,
} from "../core/checks.ts";
import type {
  AcquireReply,
  FollowReply,
  JobResult,
  LockStatus,
  RefusalReply,
  ReleaseReply,
  RenewReply,
} from "../core/replies.ts";
import {
  type ConvertOptions,
  type LockRequest,
  type RequestOptions,
  checkConversion,
  checkRelease,
  checkRequest,
  checkRequestIdOption,
} from "../core/request.ts";
import { serve } from "../wire/plain-requests.ts";
import { answer } from "./bad-argument.ts";
import { ContextHandle } from "./handles/context-handle.ts";
import type { ExitWatchReply } from "./handles/exit-watch.ts";
import { PendingReply } from "./handles/pending-reply.ts";
import type { Ticket } from "./handles/ticket.ts";
import { LockHost } from "./lock-host.ts";
import { DurableObject } from "./platform.ts";
import { SqliteStorage } from "./storage/sqlite-storage.ts";

const newId = () => crypto.randomUUID();

/** Checks a request for the lock, and scopes its id to the caller's token name. */
function requestOf(ttl: number, options: (RequestOptions & CallerOption) | null | undefined): LockRequest {
  const { caller, rest } = takeCaller(options);
  const request = checkRequest(ttl, rest, newId);
  return { ...request, requestId: scopedTo(caller?.tokenName, request.requestId) };
}

/** Checks the options of any other call, and scopes its request id to the caller's token name. */
function callOf(options: ({ requestId?: string } & CallerOption) | undefined): {
  requestId: string;
  caller: Caller | undefined;
} {
  const { caller, rest } = takeCaller(options);
  return { requestId: scopedTo(caller?.tokenName, checkRequestIdOption(rest, newId)), caller };
}

/**
 * The Durable Object behind a lock: one object for each lock id.
 *
 * Export it from your Worker's main module, bind it with a SQLite migration, and use it through `useDurableLock`.
 * Its methods return expected outcomes, including bad arguments, as replies; they never throw for them.
 *
 * @example
 * ```ts
 * export { DurableLock } from "durable-locks";
 * ```
 */
export class DurableLock extends DurableObject {
  readonly #host: LockHost;

  /** Called by the runtime. */
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    this.#host = new LockHost(new SqliteStorage(ctx.storage), ctx);
  }

  /**
   * Takes the lock for `ttl` milliseconds, or renews the given lease.
   *
   * With `wait`, the call is parked for at most 25 s. Call again with the same `requestId` to keep your queue entry.
   */
  async acquire(ttl: number, leaseOrOptions?: number | (RequestOptions & CallerOption) | null): Promise<AcquireReply> {
    if (leaseOrOptions !== null && leaseOrOptions !== undefined && typeof leaseOrOptions !== "object")
      return this.renew(leaseOrOptions, ttl);
    return answer(() => this.#host.request(requestOf(ttl, leaseOrOptions)).reply);
  }

  /**
   * Like `acquire` with `wait`, but a caller that must wait gets a ticket at once, and is already in the queue. Its queue
   * entry ends with its execution context: see `Ticket`.
   */
  async acquireOrQueue(ttl: number, options?: RequestOptions & CallerOption): Promise<AcquireReply | Ticket> {
    return answer(() => {
      const { reply, leave } = this.#host.request(requestOf(ttl, options));
      if (!(reply instanceof Promise)) return reply;
      return { entry: new ContextHandle(leave), pendingGrant: new PendingReply(reply) };
    });
  }

  /** Sets the remaining time of a live lease to `ttl` milliseconds. */
  async renew(lease: number, ttl: number, options?: { requestId?: string } & CallerOption): Promise<RenewReply> {
    return answer(() => {
      const checked = [checkLease(lease), checkDuration(ttl, "ttl")] as const;
      const { requestId, caller } = callOf(options);
      return this.#host.run((state, now) => state.renew(...checked, requestId, now, caller));
    });
  }

  /** Changes what a live lease takes, without a gap. Replies `BORROWED` if the other leases leave no room for it. */
  async convert(lease: number, options?: ConvertOptions & CallerOption): Promise<RenewReply> {
    return answer(() => {
      const { caller, rest } = takeCaller(options);
      const { claim, requestId } = checkConversion(rest, newId);
      const checked = [checkLease(lease), claim, scopedTo(caller?.tokenName, requestId)] as const;
      return this.#host.run((state, now) => state.convert(...checked, now, caller));
    });
  }

  /** Ends a live lease. With `result`, it also stores the result of the lease's job: both happen, or neither. */
  async release(
    lease: number,
    options?: { requestId?: string; result?: JobResult } & CallerOption,
  ): Promise<ReleaseReply> {
    return answer(() => {
      const { caller, rest } = takeCaller(options);
      const { requestId, result } = checkRelease(rest, newId);
      return this.#host.release(checkLease(lease), scopedTo(caller?.tokenName, requestId), result, caller);
    });
  }

  /** Cancels a request: it leaves the queue, or, if it was granted in the meantime, its lease is released. */
  async cancel(requestId: string, options?: CallerOption): Promise<true | RefusalReply> {
    return answer(() => {
      const { caller, rest } = takeCaller(options);
      checkOptions(rest, []);
      const checked = scopedTo(caller?.tokenName, checkText(requestId, "requestId"));
      return this.#host.run((state, now) => state.cancel(checked, now, caller)) ?? true;
    });
  }

  /** Ends all leases, no matter who holds them. Returns a number above all of theirs and below all later ones. */
  async forceRelease(options?: { requestId?: string } & CallerOption): Promise<number | RefusalReply> {
    return answer(() => {
      const { requestId } = callOf(options);
      return this.#host.run((state, now) => state.forceRelease(requestId, now));
    });
  }

  /** Asks all holders to release. A holder learns this with its next renewal, or at once if it has an exit watch. */
  async requestRelease(options?: { requestId?: string } & CallerOption): Promise<true | RefusalReply> {
    return answer(() => {
      const { requestId } = callOf(options);
      this.#host.run((state, now) => state.requestRelease(requestId, now));
      return true as const;
    });
  }

  /** Sets up an exit watch, which ends a live lease when the caller's execution context ends: see `ExitWatchReply`. */
  async watchExit(lease: number): Promise<ExitWatchReply | RefusalReply> {
    return answer(() => this.#host.watchExit(checkLease(lease)));
  }

  /**
   * The status, once the newest live lease is not `known` (0: none is live), or after `wait` ms, at most 25 s.
   *
   * With `newest`, the status has only the newest holder and no waiters, so its size does not depend on the queue.
   */
  async watch(known: number, wait: number, options?: { newest?: boolean }): Promise<LockStatus | RefusalReply> {
    return answer(() => {
      const newest = checkFlag(checkOptions(options, ["newest"])["newest"], "newest");
      return this.#host.watch(checkWatched(known), checkWait(wait), newest);
    });
  }

  /**
   * The status and the latest events, once the revision is not `known`, or after `wait` ms, at most 25 s.
   *
   * While the call is parked, the object stays in memory. A restart of the object changes the revision.
   */
  async follow(known: string | undefined, wait: number): Promise<FollowReply | RefusalReply> {
    return answer(() => {
      const revision = known === undefined ? undefined : checkText(known, "known");
      return this.#host.follow(revision, checkWait(wait));
    });
  }

  /** Whether any lease is live. */
  async isLocked(): Promise<boolean> {
    return this.#host.ask((state, now) => state.isLocked(now));
  }

  /** Who holds the lock and who is waiting for it. */
  async status(): Promise<LockStatus> {
    return this.#host.ask((state, now) => state.status(now));
  }

  /**
   * The same calls as plain HTTP requests: `/acquire?ttl=&lease=`, `/renew`, `/release?lease=`, `/isLocked`, `/status`.
   */
  override async fetch(request: Request): Promise<Response> {
    return serve(this, request);
  }

  /**
   * Called by the runtime.
   *
   * Wipes the lock if it was unused for a day; otherwise sets the alarm again, at least a day ahead.
   */
  override async alarm(): Promise<void> {
    await this.#host.cleanUp();
  }
}
