import { type Records, readRecords } from "../../../src/core/leases/past-records.ts";
import type { Instance } from "./instance.ts";
import type { Site } from "./site.ts";

/** A lease as it was stored. */
export interface Grant {
  lease: number;
  request: string;
  owner: string | null;
  exclusive: boolean;
  permits: number;
  capacity: number;
  deadline: number;
  /** Until when it can't have expired whatever the rates of the clocks, in true time. */
  surelyUntil: number;
  /** When it became durable. */
  at: number;
  /** How it ended, as far as that is stored. */
  how: string | undefined;
}

/** How long a write may take to become durable, in milliseconds. */
export const LATEST = 400;

interface Row {
  lease: number;
  request: string;
  owner: string | null;
  exclusive: number;
  permits: number;
  capacity: number;
  ttl: number;
  deadline: number;
  ended: string | null;
  past: Records;
}

/** All leases that one lock ever stored, read after each write; accuses of what no correct lock stores. */
export class Ledger {
  readonly grants: Grant[] = [];
  readonly #lock: string;
  readonly #accuse: (guarantee: string, what: string) => void;
  readonly #byLease = new Map<number, Grant>();
  readonly #byRequest = new Map<string, Grant>();
  readonly #byOwner = new Map<string, Grant>();
  /** By the instance that remembers it: a cancelled request that never had a lease is not stored. */
  readonly #cancelled = new Map<string, Instance>();
  #owner: Instance | undefined;
  #highest = 0;

  constructor(lock: string, accuse: (guarantee: string, what: string) => void) {
    this.#lock = lock;
    this.#accuse = accuse;
  }

  grant(lease: number): Grant | undefined {
    return this.#byLease.get(lease);
  }

  byRequest(request: string): Grant | undefined {
    return this.#byRequest.get(request);
  }

  /** The leases of higher numbers. */
  after(lease: number): Grant[] {
    return this.grants.filter((grant) => grant.lease > lease);
  }

  /** The holder was told that this request has no lease and never will. */
  cancelled(request: string, by: Instance): void {
    this.#cancelled.set(request, by);
    const grant = this.#byRequest.get(request);
    if (grant && grant.how === undefined && grant.surelyUntil > by.process.world.now)
      this.#accuse("G5", `${request} was taken back, and its lease ${grant.lease} lives`);
  }

  read({ disk, owner }: Site, now: number): void {
    this.#owner = owner;
    const hasTable = disk.all("SELECT 1 FROM sqlite_master WHERE name = 'leases'").length > 0;
    if (!hasTable) return;
    const rows = disk.all(
      "SELECT lease, request, owner, exclusive, permits, capacity, ttl, deadline, ended, past FROM leases ORDER BY lease",
    );
    const before = this.#highest;
    for (const row of rows as unknown as Row[]) this.#readRow(row, before, now);
    this.#admitted(rows as unknown as Row[]);
  }

  #readRow(row: Row, before: number, now: number): void {
    const known = this.#byLease.get(row.lease);
    if (known) this.#changed(known, row, now);
    else this.#began(row, before, now);
  }

  #began(row: Row, before: number, at: number): void {
    const { lease, request, owner, permits, capacity, deadline, ended } = row;
    this.#readPast(row, at);
    const grant: Grant = {
      lease,
      request,
      owner,
      exclusive: row.exclusive === 1,
      permits,
      capacity,
      deadline,
      surelyUntil: at - LATEST + 0.9 * row.ttl,
      at,
      how: ended ?? undefined,
    };
    if (lease <= before) this.#accuse("G2", `lease ${lease} comes after ${before}`);
    const same = this.#byRequest.get(request);
    if (same) this.#accuse("G5", `${request} was granted ${same.lease} and ${lease}`);
    const again = owner !== null && !owner.startsWith("leader") && this.#byOwner.get(owner);
    if (again && again.request !== request)
      this.#accuse("G5", `${owner} asked once and was granted ${again.lease} and ${lease}`);
    if (ended === null && this.#owner && this.#cancelled.get(request) === this.#owner)
      this.#accuse("G5", `${request} was taken back and then granted ${lease}`);
    if (owner !== null) this.#byOwner.set(owner, grant);
    this.#highest = Math.max(this.#highest, lease);
    this.#byLease.set(lease, grant);
    this.#byRequest.set(request, grant);
    this.grants.push(grant);
  }

  /** The slot had other leases before: their ends may be written here and nowhere else. */
  #readPast({ past, exclusive, permits, capacity, deadline }: Row, at: number): void {
    for (const { lease, requestHash: request, how } of readRecords(past)) {
      const former = this.#byLease.get(lease);
      if (former) former.how ??= how;
      // Begun and ended within one write.
      else
        this.#byLease.set(lease, {
          lease,
          request,
          owner: null,
          exclusive: exclusive === 1,
          permits,
          capacity,
          deadline,
          surelyUntil: at,
          at,
          how,
        });
    }
  }

  #changed(grant: Grant, row: Row, now: number): void {
    if (grant.how !== undefined && row.ended === null)
      this.#accuse("G3", `lease ${row.lease}, ${grant.how}, lives again`);
    if (row.ended === "expired" && grant.how === "released")
      this.#accuse("G3", `lease ${row.lease} was released and expired`);
    grant.how = row.ended ?? grant.how;
    grant.exclusive = row.exclusive === 1;
    grant.permits = row.permits;
    grant.capacity = row.capacity;
    if (row.deadline > grant.deadline) grant.surelyUntil = now - LATEST + 0.9 * row.ttl;
    // Shortened, or by the clock of an instance that started after a step back.
    else if (row.deadline < grant.deadline) grant.surelyUntil = Number.NEGATIVE_INFINITY;
    grant.deadline = row.deadline;
  }

  /** G1, whatever the time is: a grant that relies on another lease's expiry records that expiry in the same step. */
  #admitted(rows: Row[]): void {
    const live = rows.filter(({ ended }) => ended === null);
    if (live.length < 2) return;
    const taken = live.reduce((sum, { permits }) => sum + permits, 0);
    const fits =
      live.every(({ exclusive }) => exclusive === 0) && taken <= Math.max(...live.map(({ capacity }) => capacity));
    if (!fits)
      this.#accuse(
        "G1",
        `${this.#lock} stores as live: ${live.map(({ lease, owner }) => `${lease} of ${owner}`).join(", ")}`,
      );
  }
}
