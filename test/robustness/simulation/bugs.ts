/** A defect to put into the shipped source, to show that the simulation finds it. */
export interface Bug {
  name: string;
  changes: { file: string; from: string; to: string }[];
}

/** Defects that locks have shipped with. */
export const BUGS: Bug[] = [
  {
    name: "a renewal revives a released lease",
    changes: [
      {
        file: "core/leases/lease-book.ts",
        from: "    const slot = this.live.byLease(lease);\n    if (!slot) return this.confirmEnd(lease);",
        to: "    const slot = this.#slots.ofLease(lease);\n    if (!slot) return this.confirmEnd(lease);\n    if (slot.end) {\n      slot.end = undefined;\n      this.#slots.take(slot);\n      this.live.add(slot);\n    }",
      },
      {
        file: "core/leases/slots.ts",
        from: "  end(slot: Slot, end: PastRequest): void {",
        to: "  ofLease(lease: number): Slot | undefined {\n    return [...this.#all.values()].find((slot) => slot.lease.lease === lease);\n  }\n\n  take(slot: Slot): void {\n    this.#freeDirty.delete(slot);\n    this.#freeClean.delete(slot);\n  }\n\n  end(slot: Slot, end: PastRequest): void {",
      },
    ],
  },
  {
    name: "the alarm wipes a live lock",
    changes: [
      {
        file: "object/lock-host.ts",
        from: "isIdle: (at) => this.#isIdle(at),",
        to: "isIdle: () => this.#state.waiting === 0,",
      },
    ],
  },
  {
    name: "the number restarts after clean-up",
    changes: [
      {
        file: "core/leases/lease.ts",
        from: "return isLeaseNumber(byClock) && byClock > previous ? byClock : previous + 1;",
        to: "return byClock > 0 ? previous + 1 : previous;",
      },
    ],
  },
  {
    name: "the deadline is counted from the reply",
    changes: [
      {
        file: "hold/ask-once.ts",
        from: "validFor, validUntil: sentAt + validFor };",
        to: "validFor, validUntil: Math.max(sentAt, performance.now()) + validFor };",
      },
      {
        file: "hold/held-lease.ts",
        from: "validUntil: sentAt + validFor,",
        to: "validUntil: Math.max(sentAt, performance.now()) + validFor,",
      },
    ],
  },
  {
    name: "a waiter that was cancelled is granted and never given back",
    changes: [
      {
        file: "core/leases/lease-book.ts",
        from: 'if (slot) this.#end(slot, "released", now);',
        to: "if (slot) return;",
      },
    ],
  },
  {
    name: "a repeated acquire has a new id",
    changes: [
      {
        file: "hold/ask-once.ts",
        from: "primitives.acquire(request, signal)",
        to: "primitives.acquire({ ...request, requestId: crypto.randomUUID() }, signal)",
      },
    ],
  },
  {
    name: "a grant does not touch storage while a stale instance runs",
    changes: [
      {
        file: "object/lock-host.ts",
        from: "if (writes.length > 0) this.#write(writes, now);",
        to: "if (writes.length > 0) setTimeout(() => this.#write(writes, now), 100);",
      },
    ],
  },
  // A design that was considered: see docs/decisions/no-write-behind.md.
  {
    name: "grants are kept in memory under a stored horizon",
    changes: [
      {
        file: "object/lock-host.ts",
        from: "readonly #state: LockState;",
        to: "readonly #state: LockState;\n  #horizon = 0;",
      },
      {
        file: "object/lock-host.ts",
        from: "if (writes.length > 0) this.#write(writes, now);",
        to: `const ends = writes.map(({ lease }) => lease.deadline);
    if (Math.max(0, ...ends) > this.#horizon) {
      this.#horizon = now + 30_000;
      const until = this.#horizon;
      this.#write(writes.map((slot) => ({ ...slot, lease: { ...slot.lease, deadline: until } })), now);
    }`,
      },
    ],
  },
  // Found by the simulation.
  {
    name: "the local deadline takes clocks for equally fast",
    changes: [
      {
        file: "hold/keep-alive.ts",
        from: "return Math.max(Math.min(GRACE, ttl / 10), validFor * DRIFT);",
        to: "return Math.max(Math.min(GRACE, ttl / 10), 0 * validFor);",
      },
    ],
  },
];

/** The source with a bug in it. */
export function withBug(bug: Bug | undefined, file: string, source: string): string {
  let changed = source;
  for (const { from, to } of bug?.changes.filter((change) => change.file === file) ?? []) {
    if (changed.split(from).length !== 2) throw new Error(`${file}: not found once: ${from}`);
    changed = changed.replace(from, () => to);
  }
  return changed;
}
