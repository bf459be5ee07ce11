import type { HistoryClaim, Late, Pause, Section, Step, Violation } from "./records.ts";
import { type Tenure, liveUntil, recordsOf } from "./tenure.ts";

interface Holder {
  tenure: Tenure;
  /** Until when it lived, by each kind of witness. */
  until: Record<Witness, number>;
}

/** What shows that a lease was live: the object, a caller's result, the holder's look at its clock, or a step. */
type Witness = "object" | "caller" | "holder" | "step";

const WITNESSES = ["object", "caller", "holder", "step"] as const;

const SAYS: Record<Witness, { guarantee: Violation["guarantee"]; message: string }> = {
  object: { guarantee: "G1", message: "was granted beside what the object says was live" },
  caller: { guarantee: "G7", message: "was granted while a withLock ran that was told that it was protected" },
  holder: { guarantee: "G6", message: "was granted while another holder still saw itself as holding" },
  step: { guarantee: "G6", message: "was granted before another holder's step was done, which nothing delayed" },
};

/** What of a step may be late: the client's own margin before the lease ends. */
const marginOf = (ttl: number) => Math.min(1_000, ttl / 10);

/** What the judgement of one grant leans on. */
interface Circumstances {
  pauses: Pause[];
  tolerance: number;
  /** Collects the steps that came late without a fault of the lock. */
  late: Late[];
}

/**
 * The admission rule, at each grant. Lease numbers are the order of grants (G2 is judged separately). So a lease with a
 * lower number that was live after a grant was reported was also live when that grant was made.
 */
export function checkAdmission(tenures: Tenure[], circumstances: Circumstances): Violation[] {
  const violations: Violation[] = [];
  const earliestAfter = suffixMinimum(tenures.map(({ grantedBy }) => grantedBy));
  let before: Holder[] = [];
  for (const [n, tenure] of tenures.entries()) {
    const violation = judge(tenure, before, circumstances);
    if (violation) violations.push(violation);
    before.push({ tenure, until: untilOf(tenure, circumstances.tolerance) });
    before = before.filter(({ until }) => Math.max(...Object.values(until)) > (earliestAfter[n + 1] ?? Infinity));
  }
  return violations;
}

function judge(granted: Tenure, before: Holder[], circumstances: Circumstances): Violation | undefined {
  const present = new Set<Holder>();
  for (const witness of WITNESSES) {
    const added = before.filter((holder) => !present.has(holder) && holder.until[witness] > granted.grantedBy);
    for (const holder of added) present.add(holder);
    if (admits(granted.claim, present)) continue;
    if (witness === "step" && added.every(({ tenure }) => explains(tenure, granted.grantedBy, circumstances))) continue;
    const { lock, lease } = granted;
    const { guarantee, message } = SAYS[witness];
    const records = [...present].flatMap(({ tenure }) => recordsOf(tenure));
    const leases = Array.from(present, ({ tenure }) => tenure.lease).join(", ");
    return {
      guarantee,
      lock,
      message: `Lease ${lease} ${message}: ${leases}.`,
      records: [...granted.grants, ...records],
    };
  }
  return undefined;
}

function admits(claim: HistoryClaim, present: Set<Holder>): boolean {
  const others = Array.from(present, ({ tenure }) => tenure.claim);
  if (claim.exclusive || others.some(({ exclusive }) => exclusive)) return others.length === 0;
  const inUse = others.reduce((sum, { permits }) => sum + permits, 0);
  return inUse + claim.permits <= (claim.capacity ?? Infinity);
}

function untilOf(tenure: Tenure, tolerance: number): Holder["until"] {
  const { sections } = tenure;
  const told = sections.filter(({ settled }) => settled === "fulfilled" || settled === "unconfirmed");
  const unfenced = sections.filter(({ fenced }) => !fenced);
  return {
    object: liveUntil(tenure, tolerance),
    caller: Math.max(...told.map(({ left }) => left ?? Number.NEGATIVE_INFINITY)),
    holder: Math.max(...sections.flatMap(stepsInGoodFaith).map(({ checked }) => checked)),
    step: Math.max(...unfenced.flatMap(stepsInGoodFaith).map(({ at }) => at)),
  };
}

/** The steps that the lock answers for: a holder that goes on after its signal has fired can't blame the lock. */
function stepsInGoodFaith({ steps, lost = Number.POSITIVE_INFINITY }: Section): Step[] {
  return steps.filter(({ checked }) => checked < lost);
}

/** Whether each of the steps that were done after `grantedBy` had stood still since its holder looked. */
function explains({ sections, ttl }: Tenure, grantedBy: number, circumstances: Circumstances): boolean {
  const { late } = circumstances;
  return sections.every((section) =>
    stepsInGoodFaith(section).every((step) => {
      if (section.fenced || step.at <= grantedBy) return true;
      const why = whyLate(section, step, ttl, circumstances);
      if (why && late.every((known) => known.step !== step)) late.push({ why, section, step });
      return why !== undefined;
    }),
  );
}

/**
 * No lease can stop a process between its look at the clock and its step; undefined if nothing held it up there.
 *
 * A holder that looks at the clock sees a loss one margin before the lease ends. So an overtaken holder stood still for
 * longer.
 */
function whyLate(
  { client }: Section,
  { checked, at }: Step,
  ttl: number,
  context: Circumstances,
): Late["why"] | undefined {
  if (at - checked < marginOf(ttl) - context.tolerance) return undefined;
  const stopped = context.pauses.some((pause) => pause.client === client && pause.from <= at && pause.to >= checked);
  return stopped ? "paused" : "stalled";
}

function suffixMinimum(values: number[]): number[] {
  let least = Number.POSITIVE_INFINITY;
  return values
    .toReversed()
    .map((value) => (least = Math.min(least, value)))
    .toReversed();
}
