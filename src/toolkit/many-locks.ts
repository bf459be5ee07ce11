import { invalid } from "../core/checks.ts";
import type { HeldLease } from "../hold/held-lease.ts";
import { type Releasable, checkWork, runUnder } from "../hold/work.ts";
import { inOwnRequest } from "../transport/own-request.ts";
import { type Lock, isLock } from "./lock.ts";
import { asAsked } from "./options/claim-rule.ts";
import { type HoldOptions, checkCombined, holdingOf } from "./options/hold-options.ts";
import { COMBINED_OPTIONS } from "./options/option-names.ts";

/** How to take and hold many locks. */
export interface WithLocksOptions extends Pick<HoldOptions, (typeof COMBINED_OPTIONS)[number]> {
  /** How long to wait for all of them together, in milliseconds up to a day; `Infinity` for no limit. @default 10000 */
  wait?: number;
}

/** Several locks that are held at once. */
export interface HeldLocks {
  /** The holds, in the order in which the locks were given. */
  readonly holds: readonly HeldLease[];
  /** The lease numbers, in the same order: each is the fencing token of its own lock. */
  readonly leases: readonly number[];
  /** Fires with a `LeaseLostError` as soon as any of the leases is lost. */
  readonly signal: AbortSignal;
  /** Whether any of the leases is lost. Checks the clock. */
  readonly isLost: () => boolean;
}

/**
 * Runs `fn` while holding all the given locks, of any kinds.
 *
 * It takes them one after another in the order of their ids, in whatever order you list them, so that two callers never
 * wait for each other. If one can't be taken in time, those already taken are released. If one is lost before `fn`
 * settles, `signal` fires and the call rejects, as with `withLock`.
 *
 * @param locks - 1 to 100 locks of different ids
 * @throws what `withLock` throws; `INVALID_ARGUMENT` also if a lock is given twice, even as its reader and its writer.
 * @example
 * ```ts
 * const from = useDurableLock(env.DURABLE_LOCK, "account:1");
 * const to = useDurableLock(env.DURABLE_LOCK, "account:2");
 * await withLocks([from, to], ({ signal }) => transfer(100, signal), { wait: 5_000 });
 * ```
 */
export async function withLocks<T>(
  locks: readonly Lock[],
  fn: (held: HeldLocks) => T | PromiseLike<T>,
  options?: WithLocksOptions,
): Promise<T> {
  checkWork(fn);
  const inOrder = inCanonicalOrder(locks);
  const holdOptions = checkCombined(options, COMBINED_OPTIONS);
  const { request, signal } = holdingOf(holdOptions, asAsked);
  const taken = await takeAll(inOrder, { ...holdOptions, signal, wait: request.wait });
  return runUnder(
    together(
      locks.map((lock) => taken.get(lock) as HeldLease),
      [...taken.values()],
    ),
    fn,
  );
}

const MOST_LOCKS = 100;

/**
 * Sorts by id, then by key: the same order for every caller. Refuses two kinds of one lock, which would wait for each
 * other.
 */
function inCanonicalOrder(locks: readonly Lock[]): Lock[] {
  if (!Array.isArray(locks) || locks.length === 0 || locks.length > MOST_LOCKS || !Array.from(locks).every(isLock))
    throw invalid(
      "locks",
      `locks must be an array of 1 to ${MOST_LOCKS} locks, such as useDurableLock(env.DURABLE_LOCK, id).`,
    );
  const byKey = new Map<string, Lock>();
  for (const lock of locks as readonly Lock[]) {
    const { key } = lock.primitives;
    if (byKey.has(key)) throw invalid("locks", `lock "${lock.id}" is given twice: it would wait for itself.`);
    byKey.set(key, lock);
  }
  return [...byKey.values()].sort(
    (one, other) => compare(one.id, other.id) || compare(one.primitives.key, other.primitives.key),
  );
}

/** Compares by UTF-16 code units, because the order of a locale differs from caller to caller. */
function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

interface Taking extends Omit<WithLocksOptions, "signal"> {
  signal: AbortSignal | undefined;
  wait: number;
}

async function takeAll(locks: Lock[], { signal, wait, ...options }: Taking): Promise<Map<Lock, HeldLease>> {
  const since = performance.now();
  const taken = new Map<Lock, HeldLease>();
  try {
    for (const lock of locks) {
      const left = Math.max(0, Math.round(wait - (performance.now() - since)));
      // Once a lock already taken is lost, it is pointless to wait for the next.
      const stop = AbortSignal.any([...signalsOf(taken), ...(signal ? [signal] : [])]);
      taken.set(lock, await lock.hold({ ...options, wait: left, signal: stop }));
    }
    // Check the clock: after a pause, the last reply may be handled before the timer of a lease that has expired.
    for (const held of taken.values()) if (held.isLost()) throw held.signal.reason;
    return taken;
  } catch (error) {
    await releaseAll([...taken.values()]).catch(() => {});
    throw error;
  }
}

function together(holds: HeldLease[], inOrder: HeldLease[]): Releasable<HeldLocks> {
  const lost = AbortSignal.any(holds.map(({ signal }) => signal));
  const held: HeldLocks = {
    holds,
    leases: holds.map(({ lease }) => lease),
    get signal() {
      return inOwnRequest(lost, "This hold of several locks", () => lost);
    },
    isLost: () => holds.some((hold) => hold.isLost()),
  };
  return { held, release: () => releaseAll(inOrder) };
}

/** Releases all of them in parallel, even if one of the releases fails. */
async function releaseAll(holds: HeldLease[]): Promise<void> {
  const released = await Promise.allSettled(holds.map((hold) => hold.release()));
  const failed = released.find((outcome) => outcome.status === "rejected");
  if (failed) throw failed.reason;
}

function signalsOf(taken: Map<Lock, HeldLease>): AbortSignal[] {
  return [...taken.values()].map(({ signal }) => signal);
}
