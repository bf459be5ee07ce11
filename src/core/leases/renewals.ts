import type { Lease } from "./lease.ts";

/** How many renewals and conversions of one lease are remembered. */
const RENEWALS_REMEMBERED = 8;

/** The latest renewals and conversions of each lease, by which a repetition is recognised. */
export class Renewals {
  readonly #byLease = new WeakMap<Lease, string[]>();

  has(lease: Lease, requestId: string): boolean {
    return this.#of(lease).includes(requestId);
  }

  add(lease: Lease, requestId: string): void {
    const renewals = this.#of(lease);
    renewals.push(requestId);
    if (renewals.length > RENEWALS_REMEMBERED) renewals.shift();
  }

  #of(lease: Lease): string[] {
    let renewals = this.#byLease.get(lease);
    if (!renewals) this.#byLease.set(lease, (renewals = lease.renewalId === undefined ? [] : [lease.renewalId]));
    return renewals;
  }
}
