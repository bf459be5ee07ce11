import type { Claim } from "../../../src/core/leases/lease.ts";
import type { GrantReply } from "../../../src/core/replies.ts";

/** A request as the world knows it, from the replies alone. */
export interface Asked extends Claim {
  requestId: string;
  ttl: number;
  owner: undefined;
  lockDelay: number;
  steal: boolean;
  job: undefined;
  wait: number;
  waited: number;
  since: number;
  /** The order in the queue as the object sees it: by arrival, and at equal times by the first call. */
  arrivedAt: number;
  heard: number;
  /** `away`: its long poll has ended, or the object has restarted, and it has not asked again. */
  stage: "parked" | "away" | "holding" | "ended";
  awayUntil: number;
  /** It has lost its queue entry, and the object remembers its position until this time. */
  rememberedUntil: number;
  lease?: GrantReply;
  /** Its lease is live until this time, by the steady clock of the current instance. */
  until: number;
  /** It had a lease or was cancelled, and the object still knows so. */
  dead: boolean;
}

export function isAway(asked: Asked): boolean {
  return asked.stage === "away";
}

export function isAhead(one: Asked, other: Asked): boolean {
  return one.arrivedAt === other.arrivedAt ? one.heard < other.heard : one.arrivedAt < other.arrivedAt;
}

/** The admission rule, written a second time from its text in the docs. */
export function fits(claim: Claim, live: Claim[]): boolean {
  if (claim.exclusive) return live.length === 0;
  const inUse = live.reduce((sum, other) => sum + other.permits, 0);
  return live.every((other) => !other.exclusive) && inUse + claim.permits <= claim.capacity;
}

export function newlyAsked(requestId: string, claim: Claim, times: Pick<Asked, "ttl" | "wait">): Asked {
  return {
    ...claim,
    ...times,
    requestId,
    owner: undefined,
    lockDelay: 0,
    steal: false,
    job: undefined,
    waited: 0,
    since: 0,
    arrivedAt: 0,
    heard: 0,
    stage: "ended",
    awayUntil: 0,
    rememberedUntil: 0,
    until: 0,
    dead: false,
  };
}
