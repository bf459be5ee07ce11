import {
  type Acquire,
  type Cancel,
  type Entry,
  type History,
  type HistoryClaim,
  type Release,
  type Renew,
  type Section,
  groupBy,
  isGranted,
  ofKind,
} from "./records.ts";

/** All requests and answers about one lease. */
export interface Tenure {
  lock: string;
  lease: number;
  claim: HistoryClaim;
  ttl: number;
  requestId: string;
  /** When it was first asked for; it can't have been granted before. */
  invoked: number;
  /** Certainly granted by then: the grant was reported, or work ran under it. */
  grantedBy: number;
  /** The attempts that were answered with this lease. */
  grants: Acquire[];
  renewals: Renew[];
  releases: Release[];
  cancels: Cancel[];
  sections: Section[];
}

/** What is asked by several calls of one request, which take effect once. */
interface Request<C> {
  calls: C[];
  /** When it was first asked. */
  invoked: number;
  /** When it was first answered with yes; by then it had taken effect. */
  answered: number | undefined;
  /** Whether every call of it was answered with no. */
  refused: boolean;
}

export function requestsOf<C extends Renew | Release>(calls: C[]): Request<C>[] {
  return Array.from(groupBy(calls, ({ requestId }) => requestId).values(), (group) => {
    const answers = group.filter(isGranted).map(({ answered }) => answered as number);
    return {
      calls: group,
      invoked: Math.min(...group.map(({ invoked }) => invoked)),
      answered: answers.length > 0 ? Math.min(...answers) : undefined,
      refused: group.every(({ refused }) => refused !== undefined),
    };
  });
}

/** The leases of one lock, by number. */
export function tenuresOf(lock: string, history: History): Tenure[] {
  const acquires = groupBy(ofKind(history, "acquire"), ({ requestId }) => requestId);
  const cancels = groupBy(ofKind(history, "cancel"), ({ requestId }) => requestId);
  const renewals = groupBy(ofKind(history, "renew"), ({ lease }) => String(lease));
  const releases = groupBy(ofKind(history, "release"), ({ lease }) => String(lease));
  const sections = groupBy(ofKind(history, "section"), ({ lease }) => String(lease));
  const tenures: Tenure[] = [];
  for (const [requestId, attempts] of acquires) {
    const invoked = Math.min(...attempts.map((attempt) => attempt.invoked));
    for (const [lease, grants] of groupBy(attempts.filter(isGranted), (grant) => String(grant.lease))) {
      const [{ claim, ttl }] = grants as [Acquire];
      const inside = sections.get(lease) ?? [];
      const told = [...grants.map(({ answered }) => answered as number), ...inside.map(({ entered }) => entered)];
      tenures.push({
        lock,
        lease: Number(lease),
        claim,
        ttl,
        requestId,
        invoked,
        grants,
        grantedBy: Math.min(...told),
        renewals: renewals.get(lease) ?? [],
        releases: releases.get(lease) ?? [],
        cancels: cancels.get(requestId) ?? [],
        sections: inside,
      });
    }
  }
  return tenures.sort((a, b) => a.lease - b.lease);
}

/** Until when a lease was surely live, by what the object answered; `-Infinity` if that can't be said. */
export function liveUntil(tenure: Tenure, tolerance: number): number {
  return Math.max(shownLiveAt(tenure), promisedUntil(tenure, tolerance));
}

/** The last instant at which an answer shows it to have been live: what is dead is not renewed or released. */
function shownLiveAt({ grants, renewals, releases }: Tenure): number {
  const confirmed = requestsOf(releases).filter(({ answered }) => answered !== undefined);
  const shown = [...grants, ...renewals.filter(isGranted), ...confirmed].map(({ invoked }) => invoked);
  return Math.max(...shown);
}

/** Until when it was to live by what was asked `before`, unless something ended it or may have ended it earlier. */
export function promisedUntil(tenure: Tenure, tolerance: number, before = Number.POSITIVE_INFINITY): number {
  const changes = requestsOf(tenure.renewals).filter(({ refused }) => !refused);
  const ends = [...tenure.releases.filter(({ refused }) => refused === undefined), ...tenure.cancels];
  const firstEnd = Math.min(...ends.map(({ invoked }) => invoked));
  let promised = Number.NEGATIVE_INFINITY;
  for (const { invoked, validFor, ttl } of [...tenure.grants, ...tenure.renewals.filter(isGranted)]) {
    if (invoked >= before) continue;
    // A renewal that had not been answered by then may have come later, and may have been for less.
    const open = changes.filter(({ answered }) => answered === undefined || answered > invoked);
    const least = Math.min(validFor ?? ttl, ...open.flatMap(({ calls }) => calls.map((call) => call.ttl)));
    promised = Math.max(promised, invoked + least);
  }
  return Math.min(promised - tolerance, firstEnd);
}

/** What to show of a lease when something is wrong with it. */
export function recordsOf({ grants, renewals, releases, cancels, sections }: Tenure): Entry[] {
  return [...grants, ...renewals, ...releases, ...cancels, ...sections];
}
