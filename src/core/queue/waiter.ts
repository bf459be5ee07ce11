import type { LeaseSpec } from "../leases/lease.ts";

/** A caller that waits for the lock, identified by its request id. */
export interface Waiter extends LeaseSpec {
  /** When it began to wait, by the object's clock. */
  arrivedAt: number;
  /** When its current call arrived. The `validFor` of a lease granted to it is counted from here. */
  calledAt: number;
  /** True while its call is parked; false after its long poll has ended, until it polls again. */
  parked: boolean;
  /** If parked: when its call must be answered. Otherwise: when it loses its queue entry. */
  until: number;
  /** Whether its wait ends at `until`. */
  final: boolean;
  /** Orders waiters that arrived at the same time. */
  readonly order: number;
}
