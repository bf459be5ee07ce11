import type { Figure } from "../harness/figure.ts";
import { overlap, quartiles } from "../harness/statistics.ts";
import { shown } from "./number.ts";
import { markdown } from "./table.ts";

/** One contestant beside another, in the same rounds. */
interface Comparison {
  figure: Figure;
  name: string;
  /** The other's values, as often as they count. */
  others: number[];
}

const COMPARED = new Set(["ms", "hand-offs per second"]);
const ROW_WRITE = "a durable one-row write over RPC";
const EMPTY_POST = "two empty requests to Hono";

/** How many durable writes an operation needs, and so with how many it is compared. */
const WRITES: Record<string, number> = { "acquire + release": 2, withLock: 2, renew: 1 };

/** What stands beside the figures of this library: peers, one-row writes, and this library at another commit. */
function comparisonsOf(figures: readonly Figure[]): Comparison[] {
  const compared = figures.filter(
    ({ section, metric }) => ["single", "crowds"].includes(section) && COMPARED.has(metric),
  );
  return compared
    .filter(({ contestant }) => contestant.startsWith("this library, "))
    .flatMap((figure) => {
      const beside = compared.filter((other) => isSameWork(figure, other));
      return [...beside.flatMap((other) => comparisonWith(figure, other)), ...overHttp(figure, beside)];
    });
}

const isSameWork = (one: Figure, other: Figure) =>
  one.work === other.work && one.storage === other.storage && one.metric === other.metric;

const transportOf = ({ contestant }: Figure) => contestant.replace(/^.*, /, "");

/** Peers stand beside RPC, which is the fastest way to this library. Another commit stands beside the same transport. */
function comparisonWith(figure: Figure, other: Figure): Comparison[] {
  const { contestant, values } = other;
  if (contestant.startsWith("this library at"))
    return transportOf(figure) === transportOf(other) ? [{ figure, name: contestant, others: values }] : [];
  if (transportOf(figure) !== "RPC" || /^(this library|an empty|two empty|async-mutex)/.test(contestant)) return [];
  if (contestant !== ROW_WRITE) return [{ figure, name: contestant, others: values }];
  const times = WRITES[figure.work];
  if (times === undefined) return [];
  return [{ figure, name: `${times} × ${contestant}`, others: values.map((value) => value * times) }];
}

/** HTTP stands beside what it can't do without: the same over RPC, and the requests. */
function overHttp(figure: Figure, beside: readonly Figure[]): Comparison[] {
  const rpc = beside.find(({ contestant }) => contestant === "this library, RPC");
  const posts = beside.find(({ contestant }) => contestant === EMPTY_POST);
  if (transportOf(figure) !== "HTTP" || !rpc || !posts) return [];
  const others = rpc.values.map((value, round) => value + (posts.values[round] ?? Number.NaN));
  return [{ figure, name: `this library, RPC, and ${EMPTY_POST}`, others }];
}

/** A table of this library beside each peer. "Less" is better for ms, "more" for rates. */
export function comparisonTable(figures: readonly Figure[]): string {
  const rows = comparisonsOf(figures).map(rowOf);
  const head = ["this library", "beside", "metric", "ratio", "quartiles", "may be chance"];
  return rows.length === 0 ? "" : markdown([head, ...rows]);
}

function rowOf({ figure, name, others }: Comparison): string[] {
  const ratio = quartiles(figure.values.map((value, round) => value / (others[round] ?? Number.NaN)));
  const { work, storage, contestant, metric } = figure;
  return [
    `${contestant.replace("this library, ", "")}: ${work}, ${storage}`,
    name,
    metric,
    shown(ratio.median),
    `${shown(ratio.low)} to ${shown(ratio.high)}`,
    overlap(quartiles(figure.values), quartiles(others)) ? "yes" : "no",
  ];
}
