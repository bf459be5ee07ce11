import type { LockHolder, LockStatus, LockWaiter } from "../core/replies.ts";
import { type WireNumber, fromWireNumber, toWireNumber } from "./numbers.ts";

/** What a lease or waiter takes, in JSON. */
interface WireClaim {
  exclusive: boolean;
  permits: number;
  capacity: WireNumber;
}

/** A live lease, in JSON. */
export type WireHolder = Omit<LockHolder, "capacity"> & WireClaim;

/** A caller in the queue, in JSON. */
type WireWaiter = Omit<LockWaiter, "capacity"> & WireClaim;

/** A snapshot of a lock, in JSON. */
export interface WireStatus {
  id: string;
  locked: boolean;
  holders: WireHolder[];
  waiters: WireWaiter[];
  /** During a lock-delay after an expiry: when the delay ends, by the service's clock (ms since the epoch). */
  delayedUntil?: number;
  /** The service's clock (ms since the epoch). Compare the other times with this one. */
  now: number;
}

/** To JSON. */
export function toWireStatus(
  id: string,
  { locked, holders, waiters, delayedUntil }: LockStatus,
  now: number,
): WireStatus {
  return {
    id,
    locked,
    holders: holders.map((holder) => ({ ...holder, capacity: toWireNumber(holder.capacity) })),
    waiters: waiters.map((waiter) => ({ ...waiter, capacity: toWireNumber(waiter.capacity) })),
    ...(delayedUntil !== undefined && { delayedUntil }),
    now,
  };
}

/** From JSON. */
export function fromWireStatus({ locked, holders, waiters, delayedUntil }: WireStatus): LockStatus {
  return {
    locked,
    holders: holders.map((holder) => ({ ...holder, capacity: fromWireNumber(holder.capacity) })),
    waiters: waiters.map((waiter) => ({ ...waiter, capacity: fromWireNumber(waiter.capacity) })),
    ...(delayedUntil !== undefined && { delayedUntil }),
  };
}
