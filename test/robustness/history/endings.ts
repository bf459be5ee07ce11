import { type Acquire, type Entry, type Release, type Renew, type Violation, isGranted } from "./records.ts";
import { type Tenure, promisedUntil, recordsOf, requestsOf } from "./tenure.ts";

type Judged = Acquire | Renew | Release;

/** Dead stays dead (G3), and no lease dies before its time (G1). */
export function checkEndings(tenures: Tenure[], tolerance: number): Violation[] {
  return tenures.flatMap((tenure) => [...checkDead(tenure, tolerance), ...checkAlive(tenure, tolerance)]);
}

/** Nothing that needs a live lease is confirmed that was asked for after its end was certain. */
function checkDead(tenure: Tenure, tolerance: number): Violation[] {
  const { lock, lease } = tenure;
  const violations: Violation[] = [];
  const confirmed = [...requestsOf<Renew | Release>(tenure.renewals), ...requestsOf<Renew | Release>(tenure.releases)];
  const late = (what: string, dead: number, record: Entry) => {
    const message = `Lease ${lease} had ended by ${dead}, and a later ${what} of it was confirmed.`;
    violations.push({ guarantee: "G3", lock, message, records: [record, ...recordsOf(tenure)] });
  };
  for (const { calls, invoked, answered } of confirmed) {
    const [call] = calls as [Renew | Release];
    if (answered === undefined) continue;
    const dead = deadBy(tenure, call, answered, tolerance);
    if (invoked > dead) late(call.kind, dead, call);
  }
  // A repeated acquire gets its lease only while that lives.
  for (const grant of tenure.grants) {
    const dead = deadBy(tenure, grant, grant.answered as number, tolerance);
    if (grant.invoked > dead) late("acquire", dead, grant);
  }
  return violations;
}

/** From when on the lease is certainly dead, but for what the request that is judged may have done. */
function deadBy(tenure: Tenure, judged: Judged, until: number, tolerance: number): number {
  const released = tenure.releases.filter(isGranted);
  const refused = [...tenure.renewals, ...tenure.releases].filter((call) => call.refused === "NO_LONGER_VALID");
  const ends = [...released, ...refused].map(({ answered }) => answered as number);
  return Math.min(...ends, lapsedBy(tenure, judged, until) + tolerance);
}

/** When the time of the lease had certainly run out; `Infinity` if a renewal may have arrived whenever. */
function lapsedBy({ grants, renewals }: Tenure, judged: Judged, until: number): number {
  const { requestId } = judged;
  const others = requestsOf(renewals).filter(
    ({ calls, invoked, refused }) => calls[0]?.requestId !== requestId && invoked < until && !refused,
  );
  if (others.some(({ answered }) => answered === undefined)) return Number.POSITIVE_INFINITY;
  const told = [...grants, ...others.flatMap(({ calls }) => calls.filter(isGranted))].filter((call) => call !== judged);
  if (told.length === 0) return Number.POSITIVE_INFINITY;
  return Math.max(...told.map(({ answered, validFor, ttl }) => (answered as number) + (validFor ?? ttl)));
}

function checkAlive(tenure: Tenure, tolerance: number): Violation[] {
  const { lock, lease } = tenure;
  const violations: Violation[] = [];
  for (const refusal of [...tenure.renewals, ...tenure.releases]) {
    const { answered, refused } = refusal;
    if (answered === undefined || refused !== "NO_LONGER_VALID") continue;
    const promised = promisedUntil(tenure, tolerance, answered);
    if (answered >= promised) continue;
    const message = `Lease ${lease} was to live until ${promised}, and was dead by ${answered}.`;
    violations.push({ guarantee: "G1", lock, message, records: [refusal, ...recordsOf(tenure)] });
  }
  return violations;
}
