import { checkCount, checkOptions, checkPermits } from "../core/checks.ts";
import type { CriticalSection } from "../hold/work.ts";
import type { LockPrimitives } from "../transport/primitives.ts";
import { createLockOf } from "./create-lock.ts";
import type { Lock } from "./lock.ts";
import { outOf } from "./options/claim-rule.ts";
import { type HoldOptions, checkCombined } from "./options/hold-options.ts";
import { HOLD_OPTIONS, without } from "./options/option-names.ts";

const PERMIT_OPTIONS = without(HOLD_OPTIONS, "permits");

/** How to make a semaphore. */
export interface SemaphoreOptions {
  /** How many permits there are in all: a whole number from 1. */
  permits: number;
}

/** A lock that several callers can hold at a time. Each call takes one permit, or as many as its option `permits`. */
export interface Semaphore extends Lock {
  /** How many permits there are in all, as this caller sees it. */
  readonly permits: number;
  /**
   * Runs `fn` while holding `count` permits: `withLock` with `permits`.
   *
   * A large request is not overtaken by small ones that come after it.
   *
   * @throws what `withLock` throws; `INVALID_ARGUMENT` unless `count` is from 1 to `permits`.
   * @example
   * ```ts
   * await useSemaphore(env.DURABLE_LOCK, "gpu", { permits: 8 }).withPermits(4, train);
   * ```
   */
  readonly withPermits: <T>(
    count: number,
    fn: CriticalSection<T>,
    options?: Omit<HoldOptions, "permits">,
  ) => Promise<T>;
}

/**
 * Makes a semaphore from the given primitives: `useSemaphore` over your own transport.
 *
 * @throws `INVALID_ARGUMENT`
 * @example
 * ```ts
 * const semaphore = createSemaphore(myPrimitives, { permits: 5 });
 * ```
 */
export function createSemaphore(primitives: LockPrimitives, options: SemaphoreOptions): Semaphore {
  const permits = checkPermits(checkOptions(options, ["permits"])["permits"]);
  const lock = createLockOf(primitives, outOf(permits));
  return {
    ...lock,
    permits,
    withPermits: async (count, fn, given) => {
      checkCount(count, "permits", permits);
      return lock.withLock(fn, { ...checkCombined(given, PERMIT_OPTIONS), permits: count });
    },
  };
}
