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
 * A lease that is held and renewed until it is released or lost. Its members can be destructured.
 *
 * It belongs to the request of the Worker that took it. In another request its `lease` and `deadline` can be read, and
 * everything else throws `WRONG_REQUEST` and changes nothing: pass the number on and call `resume(lease)` of the lock.
 *
 * @example
 * ```ts
 * await using held = await lock.hold({ ttl: 30_000 });
 * await fetch(url, { signal: held.signal, headers: { "Fencing-Token": String(held.lease) } });
 * ```
 */
export interface HeldLease {
  /** The lease number: strictly growing for one lock id, so it serves as the fencing token. */
  readonly lease: number;
  /** When the lease ends unless renewed, by the object's clock (ms since the epoch): for people, not for comparing. */
  readonly deadline: number;
  /**
   * Fires with a `LeaseLostError` when the lease is lost, before the object can give it to another.
   *
   * It does not fire on release. Pass it on to whatever the work awaits. A timer can't run while a Worker computes, so
   * it comes as soon as the work awaits something.
   */
  readonly signal: AbortSignal;
  /** Whether the lease is lost, by a fresh look at the clock: between two steps of a computation no timer can run. */
  readonly isLost: () => boolean;
  /**
   * Milliseconds until `signal` fires if no renewal is confirmed before; 0 if the lease is lost or released.
   *
   * For work that needs some time to stop: when little is left, renewals have failed for a while.
   *
   * @example
   * ```ts
   * if (held.remaining() < 5_000) return saveAndStop();
   * ```
   */
  readonly remaining: () => number;
  /**
   * Renews now, and from now on with `ttl` ms if given; rarely needed, for renewal is automatic.
   *
   * @throws `LEASE_LOST` if the lease is gone, `UNREACHABLE` if nobody knows, `INVALID_ARGUMENT`.
   */
  readonly renew: (ttl?: number) => Promise<void>;
  /**
   * Ends the hold: true if the lease was still live, false if it had ended before, which is no error.
   *
   * Repeating it gives the same answer. Takes at most 5 s. With `minHold` the lock stays taken until that is over.
   *
   * @throws `RELEASE_FAILED` if the object could not be reached: then the lease ends with its ttl.
   */
  readonly release: () => Promise<boolean>;
  /** Releases: `await using`. */
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/** A hold as the combinators see it. */
export interface Hold {
  readonly held: HeldLease;
  /** Ends it, and keeps the result of the job that ran under it, if there is one. */
  readonly release: (result?: JobResult) => Promise<boolean>;
}

/** A hold with what keeps it alive. */
export interface LiveHold extends Hold {
  readonly keepAlive: KeepAlive;
  readonly onReleaseRequested: () => void;
}

/** A lease that is live now. */
export type LiveLease = Pick<Grant, "lease" | "deadline" | "validFor" | "validUntil" | "releaseRequested">;

/** Checked bounds of a hold. */
export interface HoldBounds {
  ttl: number;
  maxHold: number;
  minHold: number;
  releaseOnExit: boolean;
  onReleaseRequested: ((held: HeldLease) => void) | undefined;
}

/** Keeps a granted lease until it is released or lost. */
export function holdLease(primitives: LockPrimitives, grant: LiveLease, bounds: HoldBounds): LiveHold {
  const { lease } = grant;
  // The latest instant at which the grant can have been made, and the earliest from which its time can count.
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

/** The holder's view. Each use asks whose request it is first, so what another request tries changes nothing. */
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
      here(() => throwIfOver(keepAlive, lease, isReleased()));
      try {
        await keepAlive.renewNow(ttl);
      } finally {
        throwIfOver(keepAlive, lease, isReleased());
      }
    },
    release: end,
    [Symbol.asyncDispose]: async () => void (await end()),
  };
}

/** At most once, and apart from whatever is under way: it is the user's code, and may throw or return a promise. */
function tellOnce(tell: () => unknown): () => void {
  let told: Promise<unknown> | undefined;
  return () => {
    told ??= Promise.resolve()
      .then(tell)
      .catch((error: unknown) => console.error("durable-locks: onReleaseRequested failed.", error));
  };
}

function throwIfOver(keepAlive: KeepAlive, lease: number, isReleased: boolean): void {
  if (keepAlive.isLost()) throw keepAlive.signal.reason;
  if (isReleased) throw releasedBefore(lease);
}

function releasedBefore(lease: number): LeaseLostError {
  return new LeaseLostError("superseded", lease, `Lease ${lease} was released by its holder: acquire again.`);
}

/** A renewal and its repetitions carry one request id; what is confirmed counts from before its attempt left. */
export async function renewOnce(
  primitives: LockPrimitives,
  lease: number,
  ttl: number,
  signal?: AbortSignal,
  onFault?: (fault: unknown) => void,
): Promise<Renewal> {
  const requestId = crypto.randomUUID();
  const call = async (given: AbortSignal) => {
    const left = performance.now();
    return { left, reply: await primitives.renew(lease, ttl, requestId, given) };
  };
  const { id, url } = primitives;
  const { left, reply } = await callObject(call, { id, url, within: ANSWER_WITHIN, signal, onFault });
  if (!reply.success) return { lost: lossOf(reply) };
  const { deadline, validFor, releaseRequested } = reply;
  return { deadline, validFor, validUntil: left + validFor, ...(releaseRequested && { releaseRequested }) };
}
