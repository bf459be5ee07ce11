// Which options each function takes. The option types are derived from these lists, so that no list is written twice.

/** How to stand for election. */
export const LEAD_OPTIONS = ["ttl", "owner", "releaseOnExit", "lockDelay", "signal"] as const;

/** What `once` and `withLocks` pass on to the holds that they start. */
export const COMBINED_OPTIONS = [...LEAD_OPTIONS, "wait", "maxHold", "onReleaseRequested"] as const;

/** How to hold a lock. */
export const HOLD_OPTIONS = [...COMBINED_OPTIONS, "minHold", "permits", "capacity", "retry"] as const;

/** How to take over a live lease. */
export const RESUME_OPTIONS = ["ttl", "maxHold", "minHold", "releaseOnExit", "onReleaseRequested"] as const;

/** How a Web Locks manager holds its locks. */
export const WEB_LOCK_OPTIONS = ["ttl", "owner", "maxHold", "releaseOnExit"] as const;

/** The options of a request that `acquire` takes. */
export const ASKED_OPTIONS = ["owner", "permits", "capacity", "requestId", "lockDelay"] as const;

/** How to acquire. */
export const ACQUIRE_OPTIONS = [...ASKED_OPTIONS, "wait", "signal", "retry"] as const;

/** A list without some of its options. */
export function without<T extends string, Left extends T>(
  options: readonly T[],
  ...left: readonly Left[]
): readonly Exclude<T, Left>[] {
  return options.filter((option): option is Exclude<T, Left> => !(left as readonly string[]).includes(option));
}
