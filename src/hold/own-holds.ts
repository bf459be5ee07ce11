import type { Claim } from "../core/leases/lease.ts";
import type { KeepAlive } from "./keep-alive.ts";

/** One hold of this process on a lock. */
interface OwnHold {
  lease: number;
  claim: Claim;
  /** When it was taken, by this process's clock (ms since the epoch): for people. */
  since: number;
  /** The same time by `performance.now()`. */
  takenAt: number;
  life: KeepAlive["life"];
}

/**
 * The holds by the key of their lock. For messages only: no decision depends on them.
 *
 * Plain values: the requests of an isolate share this, and workerd throws "Cannot perform I/O on behalf of a different
 * request" when one of them even reads a signal of another.
 */
const holds = new Map<string, OwnHold[]>();

const FEW = 64;

/**
 * When this many locks are noted, sweep out dead holds: if the runtime ends the request of a hold, the hold can't
 * remove itself.
 */
let sweepAt = FEW;

/** The smallest claim. It is assumed for a lease of which only the number is known. */
export const AT_LEAST: Claim = { exclusive: false, permits: 1, capacity: Number.POSITIVE_INFINITY };

/** Notes a hold of this process, until it is released or lost. */
export function noteHold(key: string, lease: number, claim: Claim, keepAlive: KeepAlive): void {
  if (keepAlive.isOver) return;
  if (holds.size >= sweepAt) sweep();
  const hold = { lease, claim, since: Date.now(), takenAt: performance.now(), life: keepAlive.life };
  holds.set(key, [...liveAt(key), hold]);
  keepAlive.whenOver(() => retain(key, (one) => one !== hold));
}

/** Notes the new claim of a hold. */
export function noteClaim(key: string, lease: number, claim: Claim): void {
  for (const hold of holds.get(key) ?? []) if (hold.lease === lease) hold.claim = claim;
}

/**
 * The time since which this process's own holds have blocked a claim (ms since the epoch). Undefined unless they
 * blocked it for all of the last `wait` ms: holds that this process took during the wait don't count.
 */
export function inItsOwnWaySince(
  key: string,
  { exclusive, permits, capacity }: Claim,
  wait: number,
): number | undefined {
  // Allow for a little less, because the object measures the wait by its own clock.
  const before = performance.now() - wait * 0.98;
  const own = liveAt(key).filter(({ takenAt }) => takenAt <= before);
  const used = own.reduce((sum, { claim }) => sum + claim.permits, 0);
  const isInTheWay = exclusive || own.some(({ claim }) => claim.exclusive) || used + permits > capacity;
  return isInTheWay ? own[0]?.since : undefined;
}

/** Whether this process holds any other lock. */
export function holdsAnother(key: string): boolean {
  return [...holds.keys()].some((other) => other !== key && liveAt(other).length > 0);
}

/** How many locks are noted, those of dead holds included. */
export function notedLocks(): number {
  return holds.size;
}

function isLive({ life }: OwnHold): boolean {
  return performance.now() < life.until;
}

function liveAt(key: string): OwnHold[] {
  return (holds.get(key) ?? []).filter(isLive);
}

function retain(key: string, isKept: (hold: OwnHold) => boolean): void {
  const left = (holds.get(key) ?? []).filter(isKept);
  if (left.length > 0) holds.set(key, left);
  else holds.delete(key);
}

function sweep(): void {
  for (const key of holds.keys()) retain(key, isLive);
  sweepAt = Math.max(FEW, 2 * holds.size);
}
