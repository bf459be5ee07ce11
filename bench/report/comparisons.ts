import type { Figure } from "../harness/figure.ts";
import { overlap, quartiles } from "../harness/statistics.ts";
import { shown } from "./number.ts";
import { markdown } from "./table.ts";

/** One contestant beside another, in the same rounds. */
interface Comparison {
  figure: Figure;
  other: Figure;
  /** How often the other was counted: a critical section is compared with two writes. */
  times: number;
}

const COMPARED = new Set(["ms", "hand-offs per second"]);
const PAIR = "acquire + release";
const ROW_WRITE = "a durable one-row write over RPC";

const isOurs = ({ contestant }: Figure) => /^this library, (RPC|HTTP)/.test(contestant);
const isOther = ({ contestant }: Figure) =>
  !contestant.startsWith("this library, ") && !/^(an empty|two empty|async-mutex)/.test(contestant);

/** What stands beside a figure of this library: peers, one-row writes, and this library at another commit. */
function comparisonsOf(figures: readonly Figure[]): Comparison[] {
  const compared = figures.filter(
    ({ section, metric }) => ["single", "crowds"].includes(section) && COMPARED.has(metric),
  );
  return compared.filter(isOurs).flatMap((figure) => {
    const transport = figure.contestant.replace(/^.*, /, "");
    return compared
      .filter((other) => isOther(other) && isSameWork(figure, other))
      .filter(({ contestant }) => !contestant.startsWith("this library at") || contestant.endsWith(transport))
      .map((other) => ({ figure, other, times: timesOf(figure, other) }));
  });
}

const isSameWork = (one: Figure, other: Figure) =>
  one.work === other.work && one.storage === other.storage && one.metric === other.metric;

/** An acquire and a release are two writes. */
const timesOf = ({ work }: Figure, { contestant }: Figure) =>
  contestant === ROW_WRITE && work.startsWith(PAIR) ? 2 : 1;

/** A table of this library beside each peer. "Less" is better for ms, "more" for rates. */
export function comparisonTable(figures: readonly Figure[]): string {
  const rows = comparisonsOf(figures).map(rowOf);
  const head = ["this library", "beside", "metric", "ratio", "quartiles", "may be chance"];
  return rows.length === 0 ? "" : markdown([head, ...rows]);
}

function rowOf({ figure, other, times }: Comparison): string[] {
  const theirs = other.values.map((value) => value * times);
  const ratio = quartiles(figure.values.map((value, round) => value / (theirs[round] ?? Number.NaN)));
  const { work, storage, contestant, metric } = figure;
  return [
    `${contestant.replace("this library, ", "")}: ${work}, ${storage}`,
    `${times === 1 ? "" : `${times} × `}${other.contestant}`,
    metric,
    shown(ratio.median),
    `${shown(ratio.low)} to ${shown(ratio.high)}`,
    overlap(quartiles(figure.values), quartiles(theirs)) ? "yes" : "no",
  ];
}
