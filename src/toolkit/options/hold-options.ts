import {
  checkDuration,
  checkDurationOrZero,
  checkFlag,
  checkMaxHold,
  checkOptions,
  invalid,
} from "../../core/checks.ts";
import type { HeldLease, HoldBounds } from "../../hold/held-lease.ts";
import type { HoldRequest } from "../../hold/start-hold.ts";
import { type AcquireOptions, acquisitionOf, orElse } from "./acquire-options.ts";
import type { ClaimRule } from "./claim-rule.ts";
import { DEFAULT_TTL, DEFAULT_WAIT } from "./defaults.ts";
import { HOLD_OPTIONS, RESUME_OPTIONS, without } from "./option-names.ts";

/** How to hold the lock. Each call makes its own request. To continue under a lease that you know, use `resume`. */
export interface HoldOptions extends Omit<AcquireOptions, "requestId"> {
  /** How long to wait, in milliseconds up to a day; `Infinity` for no limit. @default 10000 */
  wait?: number;
  /**
   * How long the lease lasts, in milliseconds up to a day; it is renewed at a third of that. If this holder dies,
   * others wait this long at most.
   *
   * @default 30000
   */
  ttl?: number;
  /**
   * The longest hold, in milliseconds up to a day, or `Infinity`: no renewal extends the lease beyond it.
   *
   * @default Infinity
   */
  maxHold?: number;
  /**
   * The shortest hold, in milliseconds up to a day: if you release earlier, the lock stays taken until then.
   *
   * @default 0
   */
  minHold?: number;
  /**
   * Frees the lock as soon as this execution context ends, even by a crash, and not only after the ttl.
   *
   * If the exit watch can't be set up within 5 s, the lease is released and the call throws `UNREACHABLE`; `resume`
   * leaves the lease as it was. The cost: one more request, and the object stays in memory, billed, while you hold the
   * lock. The risk: a cut connection looks like the holder's death, and the next holder may come before `signal` fires,
   * so let the resource check the fencing token. You can't combine it with `minHold`, and over HTTP it is refused.
   *
   * @default false
   * @example
   * ```ts
   * await lock.withLock(work, { ttl: 600_000, releaseOnExit: true });
   * ```
   */
  releaseOnExit?: boolean;
  /**
   * Called once if a caller uses `requestRelease`: at once with `releaseOnExit`, else with the next renewal. What it
   * throws is logged.
   *
   * @default none
   */
  onReleaseRequested?: (held: HeldLease) => void;
}

const TRY_OPTIONS = without(HOLD_OPTIONS, "wait", "retry");

/** Checks the options for holding a lock. */
export function checkHold(options: HoldOptions | undefined, claimOf: ClaimRule): HoldRequest {
  return holdingOf(checkCombined(options, HOLD_OPTIONS), claimOf);
}

/** Checks the options for trying to hold a lock. */
export function checkTryHold(options: TryOptions | undefined, claimOf: ClaimRule): HoldRequest {
  return holdingOf({ ...checkCombined(options, TRY_OPTIONS), wait: 0 }, claimOf);
}

/** Checks the options for taking over a lease. */
export function checkResume(options: ResumeOptions | undefined): HoldBounds {
  return checkBounds(checkCombined(options, RESUME_OPTIONS));
}

/** Makes a request for a hold from options whose names are checked. Checks their values. */
export function holdingOf(options: HoldOptions, claimOf: ClaimRule): HoldRequest {
  const { ttl, maxHold, minHold, releaseOnExit, onReleaseRequested, ...rest } = options;
  const bounds = checkBounds({ ttl, maxHold, minHold, releaseOnExit, onReleaseRequested });
  const ttlAtFirst = Math.min(bounds.ttl, bounds.maxHold);
  return { ...acquisitionOf(ttlAtFirst, { ...rest, wait: orElse(rest.wait, DEFAULT_WAIT) }, claimOf), bounds };
}

/**
 * Checks the names of a combinator's options. Refuses `requestId`: two calls with one id would run under one lease, and
 * the second would keep running after the first has released it.
 */
export function checkCombined<T extends object>(
  options: T | undefined,
  known: readonly (string & keyof T)[],
): Partial<T> {
  if (typeof options === "object" && options !== null && "requestId" in options)
    throw invalid(
      "requestId",
      "requestId is not an option here: each call makes its own. Use acquire(ttl, { requestId }) to repeat a request, and resume(lease) to continue under a lease that you know.",
    );
  return checkOptions(options, known) as Partial<T>;
}

/** How to try for the lock without waiting. */
export type TryOptions = Omit<HoldOptions, "wait" | "retry">;

/** How to take over a lease. */
export interface ResumeOptions extends Pick<HoldOptions, (typeof RESUME_OPTIONS)[number]> {}

type Loose<T> = { [K in keyof T]?: T[K] | undefined };

function checkBounds({ ttl, maxHold, minHold, releaseOnExit, onReleaseRequested }: Loose<HoldBounds>): HoldBounds {
  const bounds = {
    ttl: ttl === undefined ? DEFAULT_TTL : checkDuration(ttl, "ttl"),
    maxHold: maxHold === undefined ? Number.POSITIVE_INFINITY : checkMaxHold(maxHold),
    minHold: minHold === undefined ? 0 : checkDurationOrZero(minHold, "minHold"),
    releaseOnExit: checkFlag(releaseOnExit, "releaseOnExit"),
    onReleaseRequested: checkCallback(onReleaseRequested, "onReleaseRequested"),
  };
  if (bounds.minHold > bounds.maxHold)
    throw invalid("minHold", `minHold (${minHold}) must not be above maxHold (${maxHold}).`);
  if (bounds.releaseOnExit && bounds.minHold > 0)
    throw invalid(
      "releaseOnExit",
      "releaseOnExit frees the lock as soon as possible, but minHold keeps it taken: leave one of them out.",
    );
  return bounds;
}

function checkCallback<T>(callback: T | undefined, argument: string): T | undefined {
  if (callback === undefined || typeof callback === "function") return callback;
  throw invalid(argument, `${argument} must be a function.`);
}
