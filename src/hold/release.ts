import type { JobResult, ReleaseReply, RenewReply } from "../core/replies.ts";
import { type ResultRefusal, refusalOfResult } from "../core/results/result-refusal.ts";
import { LockError } from "../errors.ts";
import { ANSWER_WITHIN, callObject } from "../transport/call.ts";
import { reasonOf } from "../transport/outage.ts";
import type { LockPrimitives } from "../transport/primitives.ts";
import type { KeepAlive } from "./keep-alive.ts";
import { lossMessage, lossOf } from "./loss.ts";

type Unstorable = ResultRefusal["reason"];

/** What is to be ended. */
interface Ending {
  lease: number;
  keepAlive: KeepAlive;
  /** Local instant before which the lock is not given on. */
  heldUntil: number;
}

/**
 * Ends a hold; true if its lease was still live.
 *
 * Stops renewing first: whatever a renewal under way may say, it can't outlive the release. A `result` that can't be
 * stored does not keep the lease: it is released without, and then the reason is thrown.
 */
export async function releaseOnce(primitives: LockPrimitives, ending: Ending, result?: JobResult): Promise<boolean> {
  const { lease, keepAlive, heldUntil } = ending;
  // What lengthens the lease to minHold must arrive last: a renewal that came after it would lengthen it further.
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
    // If that fails the lease ends with its ttl; why the result is not stored is what the caller must know.
    await releaseOnce(primitives, ending).catch(() => {});
    throw unstorable(primitives.id, reply.reason, reply.message);
  }
  const why = lossOf(reply);
  keepAlive.lose(why, lossMessage(why, lease));
  return false;
}

/**
 * A release and the result that goes with it. Cloned here: RPC takes less than a clone does, such as no class instances.
 * What is not kept is refused here too, so that every transport refuses the same, and sends nothing in vain.
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

/** Why a result can't go over RPC, if that is what is wrong: then the call never reached the object. */
function whyNotSent(error: unknown): Unstorable | undefined {
  if (!(error instanceof Error)) return undefined;
  const { name, message } = error;
  if (message.startsWith("Serialized RPC arguments or return values are limited to")) return "RESULT_TOO_LARGE";
  // A RangeError: nested so deeply that the stack overflows.
  if (name === "DataCloneError" || name === "RangeError") return "RESULT_NOT_CLONEABLE";
  return message === "Unable to deserialize cloned data." ? "RESULT_NOT_CLONEABLE" : undefined;
}

/** Why the result of a job is not kept, and what to do next. */
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
