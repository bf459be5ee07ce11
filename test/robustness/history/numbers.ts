import type { Violation } from "./records.ts";
import type { Tenure } from "./tenure.ts";

/** One lease a request (G5), one request a lease, and numbers that grow with time (G2). */
export function checkNumbers(tenures: Tenure[]): Violation[] {
  return [...checkUnique(tenures), ...checkOrder(tenures)];
}

function checkUnique(tenures: Tenure[]): Violation[] {
  const violations: Violation[] = [];
  const byRequest = new Map<string, Tenure>();
  const byLease = new Map<number, Tenure>();
  for (const tenure of tenures) {
    const { lock, lease, requestId, grants } = tenure;
    const sameRequest = byRequest.get(requestId);
    const sameLease = byLease.get(lease);
    if (sameRequest)
      violations.push({
        guarantee: "G5",
        lock,
        message: `Request ${requestId} was given two leases: ${sameRequest.lease} and ${lease}.`,
        records: [...sameRequest.grants, ...grants],
      });
    if (sameLease)
      violations.push({
        guarantee: "G2",
        lock,
        message: `Lease ${lease} was given to two requests.`,
        records: [...sameLease.grants, ...grants],
      });
    byRequest.set(requestId, tenure);
    byLease.set(lease, tenure);
  }
  return violations;
}

/** A lease that was requested after another was reported has the higher number. */
function checkOrder(tenures: Tenure[]): Violation[] {
  const violations: Violation[] = [];
  const told = tenures.toSorted((a, b) => a.grantedBy - b.grantedBy);
  let next = 0;
  let highest: Tenure | undefined;
  for (const asked of tenures.toSorted((a, b) => a.invoked - b.invoked)) {
    for (let known = told[next]; known && known.grantedBy < asked.invoked; known = told[(next += 1)])
      if (!highest || known.lease > highest.lease) highest = known;
    if (!highest || highest.lease < asked.lease) continue;
    violations.push({
      guarantee: "G2",
      lock: asked.lock,
      message: `Lease ${asked.lease} was asked for when lease ${highest.lease} had been told, and is not above it.`,
      records: [...highest.grants, ...asked.grants],
    });
  }
  return violations;
}
