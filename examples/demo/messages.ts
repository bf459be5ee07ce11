// Not from index.ts: what runs on Node must not need the types of the Workers runtime.
import type { LeaseLoss } from "../../src/errors.ts";

export type { LockHolder, LockStatus, LockWaiter } from "../../src/core/replies.ts";

/** A deposit as the worker saw it. */
export interface Deposited {
  read: number;
  wrote: number;
}

/** Under which lease something was done, and how long that lease was waited for, in milliseconds. */
export interface Granted {
  lease: number;
  waited: number;
}

/** A deposit that was given up, for its lease was lost after `worked` ms. */
interface Lost extends Granted {
  lost: LeaseLoss;
  worked: number;
}

/** What a deposit under the lock came to. */
export type LockedDeposit = (Deposited & Granted) | Lost;
