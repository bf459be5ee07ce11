import { type Figure, keyOf } from "../harness/figure.ts";
import { CURRENT } from "../harness/source.ts";
import { quartiles } from "../harness/statistics.ts";
import { shown } from "../report/number.ts";

/** How much of a ratio a change may cost. */
const TOLERATED = 0.15;

/** Sections whose figures are counted or sized, so they are the same on every machine. */
const COUNTED = new Set(["commits", "bundles", "dollars"]);
/** Sections in which the contestants are sizes of one lock. */
const OWN = new Set(["core", "object", "cold-start", ...COUNTED]);

/** A figure that is worse than the stored one. */
export interface Loss {
  section: string;
  message: string;
}

/** Whether a figure of this library can be compared with one that another machine has measured. */
function isComparable({ section, contestant, ratios }: Figure): boolean {
  const isOurs = OWN.has(section) || contestant.startsWith(`${CURRENT.library},`);
  return isOurs && (ratios !== undefined || COUNTED.has(section));
}

const medianOf = ({ ratios, values }: Figure) => quartiles(ratios ?? values).median;

/** The figures that lost more than is tolerated since the stored run. */
export function lossesSince(before: readonly Figure[], now: readonly Figure[]): Loss[] {
  const known = new Map(before.map((figure) => [keyOf(figure), figure]));
  return now.filter(isComparable).flatMap((figure) => {
    const old = known.get(keyOf(figure));
    if (!old) return [];
    const [then, today] = [medianOf(old), medianOf(figure)];
    const loss = figure.better === "less" ? today / then - 1 : then / today - 1;
    if (!(loss > TOLERATED)) return [];
    const change = `${shown(then)} before, ${shown(today)} now, ${Math.round(loss * 100)} % worse`;
    return [{ section: figure.section, message: `${keyOf(figure)}: ${change}` }];
  });
}
