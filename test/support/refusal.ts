import type { RecordedReply, RefusalReply } from "../../src/core/replies.ts";

type Reason = RefusalReply["reason"];

/** A refusal for this reason, with fields that only some of its kind have; and the answer of a job, which a plain lock refuses too. */
export function refusalFor(reason: Reason | RecordedReply["reason"], rest: object = {}): RefusalReply {
  return { success: false, reason, ...rest } as RefusalReply;
}
