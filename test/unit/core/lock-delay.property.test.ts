import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Claim } from "../../../src/core/leases/lease.ts";
import { EXCLUSIVE, Machine, NOW, ONE_OF_TWO, PLAIN, READER } from "./machine.ts";

type Step =
  | { do: "acquire"; claim: Claim; lockDelay: number }
  | { do: "end"; how: "release" | "expire"; pick: number }
  | { do: "forceRelease" }
  | { do: "restart" }
  | { do: "tick"; ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("acquire" as const),
      claim: fc.constantFrom(EXCLUSIVE, ONE_OF_TWO, PLAIN, READER),
      lockDelay: fc.constantFrom(0, 300, 5_000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("end" as const),
      how: fc.constantFrom("release" as const, "expire" as const),
      pick: fc.nat(5),
    }),
  },
  { weight: 1, arbitrary: fc.constantFrom<Step[]>({ do: "forceRelease" }, { do: "restart" }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("tick" as const), ms: fc.constantFrom(1, 250, 1_000, 3_000) }) },
);

interface Known extends Claim {
  lease: number;
  deadline: number;
  lockDelay: number;
}

/** Plays the steps against an independent account of what is in the way, and returns what went wrong. */
function play(steps: Step[]): string[] {
  const machine = new Machine();
  const wrong: string[] = [];
  let now = NOW;
  let highest = 0;
  let known: Known[] = [];
  const inTheWay = () => known.filter(({ deadline, lockDelay }) => deadline + lockDelay > now);
  const live = () => known.filter(({ deadline }) => deadline > now);
  const numbered = (lease: number) => {
    if (lease <= highest) wrong.push(`number ${lease} after ${highest}`);
    highest = lease;
  };
  for (const each of steps) {
    if (each.do === "tick") now += each.ms;
    else if (each.do === "restart") machine.restart(now);
    else if (each.do === "forceRelease") {
      numbered(machine.forceRelease(now));
      known = [];
    } else if (each.do === "acquire") {
      const { claim, lockDelay } = each;
      const lease = machine.acquire(now, { ...claim, lockDelay });
      if (lease > 0 !== fits(claim, inTheWay())) wrong.push(`granted: ${lease > 0}, beside ${inTheWay().length}`);
      if (lease > 0) numbered(lease);
      if (lease > 0) known.push({ ...claim, lease, lockDelay, deadline: now + PLAIN.ttl });
    } else {
      const picked = live()[each.pick];
      if (!picked) continue;
      if (each.how === "expire") machine.state.expire(picked.lease, now);
      else machine.state.release(picked.lease, `release of ${picked.lease}`, now);
      machine.write();
      Object.assign(picked, { deadline: now, ...(each.how === "release" && { lockDelay: 0 }) });
    }
    const shown = machine.state.status(now).holders.map(({ lease }) => lease);
    const expected = live().map(({ lease }) => lease);
    if (shown.length !== expected.length || !expected.every((lease) => shown.includes(lease)))
      wrong.push(`live are ${shown.join()} and not ${expected.join()}`);
  }
  return wrong;
}

function fits(claim: Claim, others: Claim[]): boolean {
  if (claim.exclusive) return others.length === 0;
  const inUse = others.reduce((sum, { permits }) => sum + permits, 0);
  return others.every(({ exclusive }) => !exclusive) && inUse + claim.permits <= claim.capacity;
}

describe("G1 G2: random interleavings of lock-delays, forced releases and restarts", () => {
  it(
    "A lease is granted exactly when no lease or lock-delay is in the way, and lease numbers grow.",
    { timeout: 60_000 },
    () => {
      fc.assert(
        fc.property(fc.array(step, { minLength: 3, maxLength: 40 }), (steps) => {
          expect(play(steps)).toEqual([]);
        }),
        { numRuns: 5_000 },
      );
    },
  );
});
