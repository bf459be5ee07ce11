import { checkDuration } from "../core/limits.ts";
import type { AcquireReply } from "../core/replies.ts";
import { LeaseLostError, LockError } from "../errors.ts";
import { type Grant, invalidArgument } from "./acquire.ts";
import { KeepAlive, type Renewal, lossMessage } from "./keep-alive.ts";
import type { HoldBounds } from "./options.ts";
import type { LockPrimitives } from "./primitives.ts";
import { ANSWER_WITHIN, callObject } from "./retry.ts";

/**
 * A lease that is held and renewed until it is released or lost. Its members can be destructured.
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
  /** Whether the lease is lost, judged anew by the clock. */
  readonly isLost: () => boolean;
}

/** A lease that is live now. */
type Granted = Pick<Grant, "lease" | "deadline" | "validUntil">;

/** Keeps a granted lease until it is released or lost. */
export function holdLease(primitives: LockPrimitives, grant: Granted, bounds: HoldBounds): Hold {
  const { lease } = grant;
  // The latest instant at which the grant can have been made, and the earliest from which its time can count.
  const heldSince = performance.now();
  const countedFrom = Math.min(heldSince, grant.validUntil - Math.min(bounds.ttl, bounds.maxHold));
  const lifetime = { lease, ttl: bounds.ttl, holdUntil: countedFrom + bounds.maxHold };
  const keepAlive = new KeepAlive(lifetime, grant, (ttl, signal) => renewOnce(primitives, lease, ttl, signal));
  const heldUntil = heldSince + bounds.minHold;
  let released: Promise<boolean> | undefined;
  const release = () => (released ??= releaseOnce(primitives, lease, keepAlive, heldUntil));

  const held: HeldLease = {
    lease,
    get deadline() {
      return keepAlive.deadline;
    },
    signal: keepAlive.signal,
    renew: async (ttl) => {
      if (ttl !== undefined) checkDuration(ttl, "ttl");
      throwIfOver(keepAlive, lease, released !== undefined);
      try {
        await keepAlive.renewNow(ttl);
      } finally {
        throwIfOver(keepAlive, lease, released !== undefined);
      }
    },
    release,
    [Symbol.asyncDispose]: async () => void (await release()),
  };
  return { held, isLost: () => keepAlive.isLost() };
}

function throwIfOver(keepAlive: KeepAlive, lease: number, isReleased: boolean): void {
  if (keepAlive.isLost()) throw keepAlive.signal.reason;
  if (!isReleased) return;
  throw new LeaseLostError("superseded", lease, `Lease ${lease} was released by its holder: acquire again.`);
}

/** A renewal and its repetitions carry one request id; what is confirmed counts from before its attempt left. */
export async function renewOnce(
  primitives: LockPrimitives,
  lease: number,
  ttl: number,
  signal: AbortSignal | undefined,
): Promise<Renewal> {
  const requestId = crypto.randomUUID();
  const call = async () => {
    const left = performance.now();
    return { left, reply: await primitives.renew(lease, ttl, requestId) };
  };
  const { left, reply } = await callObject(call, { id: primitives.id, within: ANSWER_WITHIN, signal });
  if (reply.success) return { deadline: reply.deadline, validUntil: left + reply.validFor };
  return { lost: lossOf(reply) };
}

/** Stops renewing first: whatever a renewal under way may say, it can't outlive the release. */
async function releaseOnce(
  primitives: LockPrimitives,
  lease: number,
  keepAlive: KeepAlive,
  heldUntil: number,
): Promise<boolean> {
  // What lengthens the lease to minHold must arrive last: a renewal that came after it would lengthen it further.
  if (heldUntil > performance.now()) await keepAlive.settled();
  if (keepAlive.isLost()) return false;
  keepAlive.stop();
  const minHoldLeft = Math.ceil(heldUntil - performance.now());
  const requestId = crypto.randomUUID();
  const bounds = { id: primitives.id, within: ANSWER_WITHIN };
  try {
    const call = () =>
      minHoldLeft > 0 ? primitives.renew(lease, minHoldLeft, requestId) : primitives.release(lease, requestId);
    const reply = await callObject<AcquireReply | true>(call, bounds);
    if (reply === true || reply.success) return true;
    const why = lossOf(reply);
    keepAlive.lose(why, lossMessage(why, lease));
    return false;
  } catch (cause) {
    const message = `Lease ${lease} of lock "${primitives.id}" could not be released; it ends with its ttl at the latest.`;
    throw new LockError("RELEASE_FAILED", message, { cause });
  }
}

function lossOf(reply: Exclude<AcquireReply, { success: true }>): "expired" | "superseded" {
  if (reply.reason === "INVALID_ARGUMENT") throw invalidArgument(reply);
  return reply.ended === "expired" ? "expired" : "superseded";
}
