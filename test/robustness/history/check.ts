import { checkAdmission } from "./admission.ts";
import { checkEndings } from "./endings.ts";
import { checkWrites } from "./fence.ts";
import { checkNumbers } from "./numbers.ts";
import { checkOnce } from "./once.ts";
import { type History, type Late, type Violation, groupBy, ofKind } from "./records.ts";
import { tenuresOf } from "./tenure.ts";

/** The verdict on a history. */
export interface Verdict {
  violations: Violation[];
  /** Steps that no lease can stop: unfenced steps of holders that stood still. */
  late: Late[];
}

/**
 * Whether a correct lock explains a history of calls, critical sections, writes and once-only jobs.
 *
 * Sound: it reports a violation only if every possible order of the unknown events is one, so lost replies, crashes and
 * late duplicates cause no false accusation. `tolerance`, in milliseconds, is how far the object's clock and the
 * history's may differ over a lease. It judges G1, G2, G3, G5, G6 and G7. It can't judge the order of waiters (G4) from
 * outside, because no record says when a request arrived.
 */
export function judge(history: History, tolerance = 0): Verdict {
  const late: Late[] = [];
  const pauses = ofKind(history, "pause");
  const ofLocks = history.filter((entry) => "lock" in entry);
  const violations = Array.from(
    groupBy(ofLocks, ({ lock }) => lock),
    ([lock, entries]) => {
      const tenures = tenuresOf(lock, entries);
      return [
        ...checkNumbers(tenures),
        ...checkEndings(tenures, tolerance),
        ...checkAdmission(tenures, { pauses, tolerance, late }),
      ];
    },
  ).flat();
  violations.push(...checkWrites(ofKind(history, "write"), { sections: ofKind(history, "section"), late, pauses }));
  violations.push(...checkOnce(ofKind(history, "run"), ofKind(history, "asked"), tolerance));
  return { violations: [...violations, ...brokenPromises(history)], late };
}

/** What no correct lock could have done. */
export function check(history: History, tolerance = 0): Violation[] {
  return judge(history, tolerance).violations;
}

/** G7: a caller that learns that its work was protected did not lose its lease before the work ended. */
function brokenPromises(history: History): Violation[] {
  return ofKind(history, "section")
    .filter(
      ({ settled, lost, left }) => settled === "fulfilled" && lost !== undefined && left !== undefined && lost <= left,
    )
    .map((section) => ({
      guarantee: "G7",
      lock: section.lock,
      message: `withLock fulfilled, though lease ${section.lease} was lost before the work ended.`,
      records: [section],
    }));
}
