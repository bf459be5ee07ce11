import type { RecordedReply, RefusalReply } from "../../src/core/replies.ts";

type Reason = RefusalReply["reason"];

/** A refusal with this reason and other fields. It can be `RECORDED`, which a plain lock treats as a refusal too. */
export function refusalFor(reason: Reason | RecordedReply["reason"], rest: object = {}): RefusalReply {
  return { success: false, reason, ...rest } as RefusalReply;
}
