// Not from index.ts: the part of the demo that runs on Node must not need the types of the Workers runtime.
import type { LeaseLoss } from "../../src/errors.ts";

export type { LockHolder, LockStatus, LockWaiter } from "../../src/core/replies.ts";

/** The balance that a worker read, and the one it wrote. */
export interface Deposited {
  read: number;
  wrote: number;
}

/** The lease under which a worker did something, and how many milliseconds it waited for that lease. */
export interface Granted {
  lease: number;
  waited: number;
}

/** A deposit that a worker gave up because it lost its lease after `worked` ms. */
interface Lost extends Granted {
  lost: LeaseLoss;
  worked: number;
}

/** The outcome of a deposit under the lock. */
export type LockedDeposit = (Deposited & Granted) | Lost;
