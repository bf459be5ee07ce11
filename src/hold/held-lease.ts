import { checkDuration } from "../core/checks.ts";
import type { JobResult } from "../core/replies.ts";
import { LeaseLostError } from "../errors.ts";
import { ANSWER_WITHIN, callObject } from "../transport/call.ts";
import { inRequestOf } from "../transport/own-request.ts";
import type { LockPrimitives } from "../transport/primitives.ts";
import type { Grant } from "./ask-once.ts";
import { type Renewal, KeepAlive } from "./keep-alive.ts";
import { lossOf } from "./loss.ts";
import { releaseOnce } from "./release.ts";

/**
 * A lease that is held and renewed until it is released or lost. You can destructure its members.
 *
 * It belongs to the Worker request that took it. In another request you can read `lease` and `deadline`; everything
 * else throws `WRONG_REQUEST` and changes nothing. To continue there, pass the number on and call `resume(lease)` on
 * the lock.
 *
 * @example
 * ```ts
 * await using held = await lock.hold({ ttl: 30_000 });
 * await fetch(url, { signal: held.signal, headers: { "Fencing-Token": String(held.lease) } });
 * ```
 */
export interface HeldLease {
  /** The lease number. It strictly increases for one lock id, so it serves as the fencing token. */
  readonly lease: number;
  /**
   * When the lease ends unless it is renewed, by the object's clock (ms since the epoch). Never compare it with your
   * clock.
   */
  readonly deadline: number;
  /**
   * Fires with a `LeaseLostError` when the lease is lost, before the object can grant the lock to another caller.
   *
   * It does not fire on release. Pass it to everything that the work awaits. While a Worker computes, no timer can run:
   * the signal then fires as soon as the work awaits something.
   */
  readonly signal: AbortSignal;
  /** Whether the lease is lost. Checks the clock, because no timer can run while a Worker computes. */
  readonly isLost: () => boolean;
  /**
   * Milliseconds until `signal` fires if no renewal is confirmed by then; 0 if the lease is lost or released.
   *
   * Use it if your work needs time to stop. When little time is left, renewals have been failing for a while.
   *
   * @example
   * ```ts
   * if (held.remaining() < 5_000) return saveAndStop();
   * ```
   */
  readonly remaining: () => number;
  /**
   * Renews the lease now. If you give `ttl`, later renewals use it too. You rarely need this: renewal is automatic.
   *
   * @throws `LEASE_LOST` if the lease has ended, `UNREACHABLE` if the outcome is unknown, `INVALID_ARGUMENT`.
   */
  readonly renew: (ttl?: number) => Promise<void>;
  /**
   * Ends the hold. Returns true if the lease was still live, and false if it had ended before, which is no error.
   *
   * Calling it again gives the same answer. Takes at most 5 s. With `minHold`, the lock stays taken until that time
   * ends.
   *
   * @throws `RELEASE_FAILED` if the object could not be reached. The lease then ends with its ttl.
   */
  readonly release: () => Promise<boolean>;
  /** Releases the lease at the end of an `await using` block. */
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/** A hold as the combinators see it. */
export interface Hold {
  readonly held: HeldLease;
  /** Ends the hold, and stores the result of the job that ran under it, if there is one. */
  readonly release: (result?: JobResult) => Promise<boolean>;
}

/** A hold, with the `KeepAlive` that renews its lease. */
export interface LiveHold extends Hold {
  readonly keepAlive: KeepAlive;
  readonly onReleaseRequested: () => void;
}

/** A lease that is live now. */
export type LiveLease = Pick<Grant, "lease" | "deadline" | "validFor" | "validUntil" | "releaseRequested">;

/** The checked options of a hold. */
export interface HoldBounds {
  ttl: number;
  maxHold: number;
  minHold: number;
  releaseOnExit: boolean;
  onReleaseRequested: ((held: HeldLease) => void) | undefined;
}

/** Keeps a granted lease alive until it is released or lost. */
export function holdLease(primitives: LockPrimitives, grant: LiveLease, bounds: HoldBounds): LiveHold {
  const { lease } = grant;
  // Count minHold from the latest time at which the object can have granted the lease, and maxHold from the earliest.
  const heldSince = performance.now();
  const countedFrom = Math.min(heldSince, grant.validUntil - Math.min(bounds.ttl, bounds.maxHold));
  const onReleaseRequested = tellOnce(() => bounds.onReleaseRequested?.(held));
  const lifetime = { lease, ttl: bounds.ttl, holdUntil: countedFrom + bounds.maxHold, onReleaseRequested };
  const keepAlive = new KeepAlive(lifetime, grant, (ttl, ...rest) => renewOnce(primitives, lease, ttl, ...rest));
  const heldUntil = heldSince + bounds.minHold;
  let released: Promise<boolean> | undefined;
  const release: Hold["release"] = async (result) => {
    if (released && result) throw releasedBefore(lease);
    return (released ??= releaseOnce(primitives, { lease, keepAlive, heldUntil }, result));
  };
  const held = heldLease(lease, keepAlive, { release, isReleased: () => released !== undefined });
  return { held, release, keepAlive, onReleaseRequested };
}

interface Ending {
  release: Hold["release"];
  isReleased: () => boolean;
}

/**
 * The holder's view. Each use first checks that it runs in the holder's request, so another request changes nothing.
 */
function heldLease(lease: number, keepAlive: KeepAlive, { release, isReleased }: Ending): HeldLease {
  const here = <T>(use: () => T) => inRequestOf(keepAlive.signal, lease, use);
  const end = async () => here(() => release());
  return {
    lease,
    get deadline() {
      return keepAlive.deadline;
    },
    get signal() {
      return here(() => keepAlive.signal);
    },
    isLost: () => here(() => keepAlive.isLost()),
    remaining: () => here(() => keepAlive.remaining()),
    renew: async (ttl) => {
      if (ttl !== undefined) checkDuration(ttl, "ttl");
      here(() => throwIfEnded(keepAlive, lease, isReleased()));
      try {
        await keepAlive.renewNow(ttl);
      } finally {
        throwIfEnded(keepAlive, lease, isReleased());
      }
    },
    release: end,
    [Symbol.asyncDispose]: async () => void (await end()),
  };
}

/** Calls `tell` at most once, and asynchronously: it is the user's code, which may throw or return a promise. */
function tellOnce(tell: () => unknown): () => void {
  let told: Promise<unknown> | undefined;
  return () => {
    told ??= Promise.resolve()
      .then(tell)
      .catch((error: unknown) => console.error("durable-locks: onReleaseRequested failed.", error));
  };
}

function throwIfEnded(keepAlive: KeepAlive, lease: number, isReleased: boolean): void {
  if (keepAlive.isLost()) throw keepAlive.signal.reason;
  if (isReleased) throw releasedBefore(lease);
}

function releasedBefore(lease: number): LeaseLostError {
  return new LeaseLostError("superseded", lease, `Lease ${lease} was released by its holder: acquire again.`);
}

/** Renews a lease. All attempts have one request id; the confirmed time is counted from before its attempt was sent. */
export async function renewOnce(
  primitives: LockPrimitives,
  lease: number,
  ttl: number,
  signal?: AbortSignal,
  onFault?: (fault: unknown) => void,
): Promise<Renewal> {
  const requestId = crypto.randomUUID();
  const call = async (given: AbortSignal) => {
    const sentAt = performance.now();
    return { sentAt, reply: await primitives.renew(lease, ttl, requestId, given) };
  };
  const { id, url } = primitives;
  const { sentAt, reply } = await callObject(call, { id, url, within: ANSWER_WITHIN, signal, onFault });
  if (!reply.success) return { lost: lossOf(reply) };
  const { deadline, validFor, releaseRequested } = reply;
  return { deadline, validFor, validUntil: sentAt + validFor, ...(releaseRequested && { releaseRequested }) };
}
