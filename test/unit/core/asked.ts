import type { Claim } from "../../../src/core/leases/lease.ts";
import type { GrantReply } from "../../../src/core/replies.ts";

/** A request as the world knows it, from nothing but what it was told. */
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
  /** In line as the object sees it: by arrival, and among equals by when it was heard of. */
  arrivedAt: number;
  heard: number;
  /** `away`: its slice ended, or the object restarted, and it has not asked again. */
  place: "parked" | "away" | "holding" | "over";
  awayUntil: number;
  /** It has lost its place, and until then the object remembers which it was. */
  rememberedUntil: number;
  lease?: GrantReply;
  /** Its lease lives until here, in the steady time of the present instance. */
  until: number;
  /** It had a lease, or was cancelled, and the object can't have forgotten. */
  dead: boolean;
}

export function isAway(asked: Asked): boolean {
  return asked.place === "away";
}

export function isAhead(one: Asked, other: Asked): boolean {
  return one.arrivedAt === other.arrivedAt ? one.heard < other.heard : one.arrivedAt < other.arrivedAt;
}

/** The admission rule, written once more and from its text. */
export function fits(claim: Claim, live: Claim[]): boolean {
  if (claim.exclusive) return live.length === 0;
  const inUse = live.reduce((sum, other) => sum + other.permits, 0);
  return live.every((other) => !other.exclusive) && inUse + claim.permits <= claim.capacity;
}

export function newlyAsked(requestId: string, claim: Claim, terms: Pick<Asked, "ttl" | "wait">): Asked {
  return {
    ...claim,
    ...terms,
    requestId,
    owner: undefined,
    lockDelay: 0,
    steal: false,
    job: undefined,
    waited: 0,
    since: 0,
    arrivedAt: 0,
    heard: 0,
    place: "over",
    awayUntil: 0,
    rememberedUntil: 0,
    until: 0,
    dead: false,
  };
}
