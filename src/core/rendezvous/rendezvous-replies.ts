import type { BadArgumentReply } from "../replies.ts";

/** Why a barrier broke. */
export type BarrierBreak = "died" | "timeout" | "aborted";

/** The reply to an arrival at a barrier. */
export type ArriveReply =
  | {
      /** True if all parties have arrived. */
      success: true;
      /** The number of the generation. */
      generation: number;
      /** The caller's position in the order of arrival; 0 is the first. */
      index: number;
    }
  | {
      /** False if the caller has not passed the barrier. */
      success: false;
      /**
       * - `BROKEN`: the generation broke.
       * - `TIMEOUT`: the caller's wait ended.
       * - `WAITING`: the long poll ended; ask again.
       * - `QUEUE_FULL`: the barrier already has as many waiting parties as it allows.
       */
      reason: "BROKEN" | "TIMEOUT" | "WAITING" | "QUEUE_FULL";
      /** With `BROKEN`: why the generation broke. */
      why?: BarrierBreak;
    }
  | BadArgumentReply;

/** The reply to a count-down, or to a call that waits for a latch. */
export type LatchReply =
  | {
      /** True unless the call was refused. */
      success: true;
      /** The remaining count; 0 if the latch is open. */
      remaining: number;
    }
  | BadArgumentReply
  | {
      /** False for a refusal. */
      success: false;
      /** The latch already has as many waiting callers as it allows. */
      reason: "QUEUE_FULL";
    };

export function otherNumber(argument: string, known: number, given: number): BadArgumentReply {
  const message = `${argument} is ${given} in this call, but earlier callers gave ${known}: all callers must give the same number.`;
  return { success: false, reason: "INVALID_ARGUMENT", argument, message };
}
