import { LIMITS } from "../../core/limits.ts";
import { ANSWER_WITHIN } from "../../transport/call.ts";
import { type Fault, CUT_AFTER } from "../../transport/fault.ts";
import { type Callee, failureOf, noAnswer } from "../../transport/outage.ts";

/** If a connection breaks sooner than this, in milliseconds, a time limit for waiting requests is hardly the reason. */
const SHORTEST_CUT = 1_000;

/** If the shortest poll is cut this many times in a row, no poll gets through. */
const CUTS_AT_SHORTEST = 2;

/** The same holds for this many similar cuts in a row before the shortest poll ends, after this long a silence. */
const EARLY_CUTS = 3;
const EARLY_SILENCE = 15_000;

/** The fraction by which cuts may differ and still count as similar. */
const MOST_SPREAD = 0.1;

const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;

/**
 * Tells an outage from a long wait: only an answer shows that the object lives, and a cut connection is no answer.
 *
 * Patience runs out after a silence of 60 s, or of `wait` plus 5 s if that is shorter.
 */
export class Patience {
  readonly #callee: Callee;
  readonly #limit: number;
  #answeredAt = performance.now();
  /** The last fault since the last answer; undefined if there was none. */
  #lastFault: Fault | undefined;
  #cutsAtShortest = 0;
  #earlyCuts: number[] = [];

  constructor(callee: Callee, wait: number) {
    this.#callee = callee;
    this.#limit = Math.min(wait + ANSWER_WITHIN, LIMITS.silence);
  }

  /** How much longer the silence may last, in milliseconds. */
  get left(): number {
    return this.#limit - this.#silence;
  }

  get #silence(): number {
    return performance.now() - this.#answeredAt;
  }

  answered(): void {
    this.#answeredAt = performance.now();
    this.#lastFault = undefined;
    this.#cutsAtShortest = 0;
    this.#earlyCuts = [];
  }

  /**
   * Notes that a long poll of `longPoll` ms failed or got no answer, and that the next one follows after `delay` ms.
   * Throws `UNREACHABLE` if patience has run out, or will run out before then.
   */
  failed(fault: Fault | undefined, longPoll: number, delay: number): void {
    if (fault?.isAnswer) return this.answered();
    this.#lastFault = fault ?? this.#lastFault;
    if (this.#letsNothingThrough(fault?.cutAfter ?? 0, longPoll) || this.left <= delay) throw this.#outage();
  }

  #letsNothingThrough(cutAfter: number, longPoll: number): boolean {
    const isEarly = cutAfter >= SHORTEST_CUT && cutAfter <= CUT_AFTER;
    this.#earlyCuts = isEarly ? [...this.#earlyCuts, cutAfter].slice(-EARLY_CUTS) : [];
    const isLate = cutAfter > CUT_AFTER && longPoll <= CUT_AFTER;
    this.#cutsAtShortest = isLate ? this.#cutsAtShortest + 1 : 0;
    if (this.#cutsAtShortest >= CUTS_AT_SHORTEST) return true;
    const spread = Math.max(...this.#earlyCuts) - Math.min(...this.#earlyCuts);
    return this.#earlyCuts.length >= EARLY_CUTS && spread <= cutAfter * MOST_SPREAD && this.#silence >= EARLY_SILENCE;
  }

  #outage(): unknown {
    const silence = this.#silence;
    const fault = this.#lastFault;
    if (!fault) return noAnswer(this.#callee, silence);
    return failureOf(this.#callee, fault, `It has not answered for ${seconds(silence)}.${adviceOn(fault)}`);
  }
}

function adviceOn({ cutAfter = 0 }: Fault): string {
  if (cutAfter < SHORTEST_CUT) return "";
  const timeout = `Raise the proxy's timeout above ${seconds(CUT_AFTER)}, or better to 30 s (HAProxy: "timeout server"; nginx: "proxy_read_timeout"; Envoy: the route's "timeout").`;
  return ` The last request was cut ${seconds(cutAfter)} after it was sent: a proxy may end requests that wait. ${timeout}`;
}
