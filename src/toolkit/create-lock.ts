import { checkDuration, checkLease } from "../core/checks.ts";
import type { AcquireReply, RecordedReply, RefusalReply } from "../core/replies.ts";
import { checkRequestIdOption } from "../core/request.ts";
import { acquire } from "../hold/acquire.ts";
import { resume, startHold, tryHold } from "../hold/start-hold.ts";
import { checkWork, runUnder } from "../hold/work.ts";
import { ANSWER_WITHIN, callObject } from "../transport/call.ts";
import type { LockPrimitives } from "../transport/primitives.ts";
import { newRequestId } from "../transport/request-id.ts";
import { unexpectedRefusal } from "../transport/version-mismatch.ts";
import type { Refusal, Lock, LeaseResult } from "./lock.ts";
import { checkAcquire } from "./options/acquire-options.ts";
import { type ClaimRule, asAsked } from "./options/claim-rule.ts";
import { checkHold, checkResume, checkTryHold } from "./options/hold-options.ts";

/**
 * Makes a lock from the given primitives, which gives your own transport every combinator.
 *
 * @example
 * ```ts
 * const lock = createLock(myPrimitives);
 * await lock.withLock(work);
 * ```
 */
export function createLock(primitives: LockPrimitives): Lock {
  return createLockOf(primitives, asAsked);
}

/** Makes a lock of any kind: `claimOf` decides what it takes. */
export function createLockOf(primitives: LockPrimitives, claimOf: ClaimRule): Lock {
  const { id, url } = primitives;
  const call = <T>(ask: (signal: AbortSignal) => Promise<T>) => callObject(ask, { id, url, within: ANSWER_WITHIN });

  const renew: Lock["renew"] = async (lease, ttl, options) => {
    checkLease(lease);
    checkDuration(ttl, "ttl");
    const requestId = checkRequestIdOption(options, newRequestId);
    return resultOf(await call((signal) => primitives.renew(lease, ttl, requestId, signal)));
  };

  return {
    id,
    primitives,
    acquire: async (ttl, leaseOrOptions) => {
      if (leaseOrOptions !== null && leaseOrOptions !== undefined && typeof leaseOrOptions !== "object")
        return renew(leaseOrOptions, ttl);
      return resultOf(await acquire(primitives, checkAcquire(ttl, leaseOrOptions, claimOf)));
    },
    renew,
    release: async (lease, options) => {
      checkLease(lease);
      const requestId = checkRequestIdOption(options, newRequestId);
      const reply = await call((signal) => primitives.release(lease, requestId, undefined, signal));
      return reply === true || failedOf(reply);
    },
    isLocked: () => call((signal) => primitives.isLocked(signal)),
    status: () => call((signal) => primitives.status(signal)),
    forceRelease: () => forceRelease(primitives),
    requestRelease: async () => {
      const requestId = newRequestId();
      const reply = await call((signal) => primitives.requestRelease(requestId, signal));
      if (isRefusal(reply)) throw unexpectedRefusal(reply);
    },
    ...holdingOf(primitives, claimOf),
  };
}

function holdingOf(
  primitives: LockPrimitives,
  claimOf: ClaimRule,
): Pick<Lock, "hold" | "resume" | "withLock" | "tryWithLock"> {
  return {
    hold: async (options) => (await startHold(primitives, checkHold(options, claimOf))).held,
    resume: async (lease, options) => resume(primitives, checkLease(lease), checkResume(options)),
    withLock: async (fn, options) => {
      checkWork(fn);
      return runUnder(await startHold(primitives, checkHold(options, claimOf)), fn);
    },
    tryWithLock: async (fn, options) => {
      checkWork(fn);
      const hold = await tryHold(primitives, checkTryHold(options, claimOf));
      if ("held" in hold) return { acquired: true, value: await runUnder(hold, fn) };
      const { success: _, ...refusal } = failedOf(hold);
      return { acquired: false, ...refusal };
    },
  };
}

function resultOf(reply: AcquireReply): LeaseResult {
  if (!reply.success) return failedOf(reply);
  const { lease, deadline } = reply;
  return { success: true, lease, deadline };
}

function failedOf(reply: RecordedReply | RefusalReply): Refusal {
  switch (reply.reason) {
    case "BORROWED":
    case "QUEUE_FULL":
    case "TOO_MANY_LEASES": {
      const { reason, retryAfter } = reply;
      return { success: false, reason, ...(retryAfter !== undefined && { retryAfter }) };
    }
    case "NO_LONGER_VALID":
      return { success: false, reason: reply.reason };
    default:
      // The other reasons refuse requests that a plain lock never makes.
      throw unexpectedRefusal(reply);
  }
}

/** Whether a reply is a refusal. Any other reply of a custom transport is ignored. */
function isRefusal(reply: unknown): reply is RefusalReply {
  return typeof reply === "object" && reply !== null && "success" in reply && reply.success === false;
}

async function forceRelease(primitives: LockPrimitives): Promise<number> {
  const requestId = newRequestId();
  const reply = await callObject((signal) => primitives.forceRelease(requestId, signal), {
    id: primitives.id,
    url: primitives.url,
    within: ANSWER_WITHIN,
  });
  if (typeof reply === "number") return reply;
  throw unexpectedRefusal(reply);
}
