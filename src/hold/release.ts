import type { JobResult, ReleaseReply, RenewReply } from "../core/replies.ts";
import { type ResultRefusal, refusalOfResult } from "../core/results/result-refusal.ts";
import { LockError } from "../errors.ts";
import { ANSWER_WITHIN, callObject } from "../transport/call.ts";
import { reasonOf } from "../transport/outage.ts";
import type { LockPrimitives } from "../transport/primitives.ts";
import type { KeepAlive } from "./keep-alive.ts";
import { lossMessage, lossOf } from "./loss.ts";

type Unstorable = ResultRefusal["reason"];

/** The hold to end. */
interface Ending {
  lease: number;
  keepAlive: KeepAlive;
  /** Local time before which the lock must not be granted to another caller. */
  heldUntil: number;
}

/**
 * Ends a hold. Returns true if its lease was still live.
 *
 * Stops renewing first, so that a late answer to a renewal can't revive the hold. If `result` can't be stored, releases
 * the lease without it and then throws the reason.
 */
export async function releaseOnce(primitives: LockPrimitives, ending: Ending, result?: JobResult): Promise<boolean> {
  const { lease, keepAlive, heldUntil } = ending;
  // The renewal that sets the rest of minHold must arrive last: a regular renewal after it would extend the lease
  // further.
  if (heldUntil > performance.now()) await keepAlive.settled();
  if (keepAlive.isLost()) return false;
  keepAlive.stop();
  const minHoldLeft = Math.ceil(heldUntil - performance.now());
  const requestId = crypto.randomUUID();
  const reply = await end(primitives, lease, (signal) =>
    minHoldLeft > 0
      ? primitives.renew(lease, minHoldLeft, requestId, signal)
      : releaseWith(primitives, { lease, requestId, result }, signal),
  );
  if (reply === true || reply.success) return true;
  if (result && (reply.reason === "RESULT_TOO_LARGE" || reply.reason === "RESULT_NOT_CLONEABLE")) {
    // If that fails, the lease ends with its ttl. The caller must learn why the result was not stored.
    await releaseOnce(primitives, ending).catch(() => {});
    throw unstorable(primitives.id, reply.reason, reply.message);
  }
  const why = lossOf(reply);
  keepAlive.lose(why, lossMessage(why, lease));
  return false;
}

/**
 * Releases a lease and sends the result along. Clones the result first, because RPC takes less than cloning does:
 * no class instances, for example. Also refuses here what the object would refuse, so that every transport refuses the
 * same results, and none sends them in vain.
 */
async function releaseWith(
  primitives: LockPrimitives,
  { lease, requestId, result }: { lease: number; requestId: string; result: JobResult | undefined },
  signal: AbortSignal,
): Promise<ReleaseReply> {
  if (!result) return primitives.release(lease, requestId, undefined, signal);
  try {
    result = structuredClone(result);
  } catch (error) {
    return { success: false, reason: "RESULT_NOT_CLONEABLE", message: String(error) };
  }
  const refusal = refusalOfResult(result.value);
  if (refusal) return { success: false, ...refusal };
  try {
    return await primitives.release(lease, requestId, result, signal);
  } catch (error) {
    const reason = whyNotSent(error);
    if (reason) return { success: false, reason, message: String(error) };
    throw error;
  }
}

/** Why RPC can't carry a result, in which case the call never reached the object; undefined for any other error. */
function whyNotSent(error: unknown): Unstorable | undefined {
  if (!(error instanceof Error)) return undefined;
  const { name, message } = error;
  if (message.startsWith("Serialized RPC arguments or return values are limited to")) return "RESULT_TOO_LARGE";
  // A RangeError means that the result is nested so deeply that the stack overflows.
  if (name === "DataCloneError" || name === "RangeError") return "RESULT_NOT_CLONEABLE";
  return message === "Unable to deserialize cloned data." ? "RESULT_NOT_CLONEABLE" : undefined;
}

/** The error for a job's result that can't be stored: why, and what to do next. */
function unstorable(id: string, reason: Unstorable, details = ""): LockError {
  const why = reason === "RESULT_TOO_LARGE" ? "is larger than 2 MB" : `can't be cloned (${details})`;
  const advice = "Return less, such as a key under which the result is stored elsewhere. The job will run again.";
  return new LockError(reason, `The result of job "${id}" was not stored: it ${why}. ${advice}`);
}

async function end(
  { id, url }: LockPrimitives,
  lease: number,
  call: (signal: AbortSignal) => Promise<RenewReply | ReleaseReply>,
): Promise<RenewReply | ReleaseReply> {
  try {
    return await callObject(call, { id, url, within: ANSWER_WITHIN });
  } catch (cause) {
    const message = `Lease ${lease} of lock "${id}" could not be released: ${reasonOf(cause)}. It ends with its ttl at the latest.`;
    throw new LockError("RELEASE_FAILED", message, { cause });
  }
}
