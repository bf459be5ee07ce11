import type { BadArgumentReply } from "../replies.ts";

/** Why a barrier broke. */
export type BarrierBreak = "died" | "timeout" | "aborted";

/** What became of an arrival at a barrier. */
export type ArriveReply =
  | {
      /** Whether all have met. */
      success: true;
      /** The number of the meeting. */
      generation: number;
      /** Who came how late: 0 is the first. */
      index: number;
    }
  | {
      /** Whether all have met. */
      success: false;
      /**
       * `BROKEN`: they will not; `TIMEOUT`: this one's time is up; `WAITING`: the long poll has ended, ask again;
       * `QUEUE_FULL`: no more may wait.
       */
      reason: "BROKEN" | "TIMEOUT" | "WAITING" | "QUEUE_FULL";
      /** With `BROKEN`: why. */
      why?: BarrierBreak;
    }
  | BadArgumentReply;

/** What became of counting down, or of waiting for a latch. */
export type LatchReply =
  | {
      /** Tells it from a refusal. */
      success: true;
      /** How often the latch has to be counted down yet. */
      remaining: number;
    }
  | BadArgumentReply
  | {
      /** Tells it from a success. */
      success: false;
      /** As many wait as may. */
      reason: "QUEUE_FULL";
    };

export function otherNumber(argument: string, known: number, given: number): BadArgumentReply {
  const message = `${argument} is ${known} for those who came before, and ${given} here: all must give the same.`;
  return { success: false, reason: "INVALID_ARGUMENT", argument, message };
}
