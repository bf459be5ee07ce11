import type { LockEvent } from "../../../src/core/events.ts";
import type { Claim } from "../../../src/core/leases/lease.ts";
import type { Slot } from "../../../src/core/leases/slots.ts";
import { LockState } from "../../../src/core/lock-state.ts";
import type { LockRequest } from "../../../src/core/request.ts";

export const NOW = 1_800_000_000_000;
export const EXCLUSIVE: Claim = { exclusive: true, permits: 1, capacity: 1 };
export const ONE_OF_TWO: Claim = { exclusive: false, permits: 1, capacity: 2 };
export const READER: Claim = { exclusive: false, permits: 1, capacity: Number.POSITIVE_INFINITY };
export const PLAIN = { ...EXCLUSIVE, owner: undefined, wait: 0, waited: 0, ttl: 1_000, steal: false, job: undefined };

/** A state machine and the disk that it writes to. */
export class Machine {
  readonly disk = new Map<number, Slot>();
  /** The events since a test last took them from here. */
  readonly events: LockEvent[] = [];
  state = new LockState([], NOW);
  #asked = 0;

  /** Returns the lease number, or 0 if the request is refused. */
  acquire(now: number, spec: Partial<LockRequest> = {}): number {
    const requestId = `request ${(this.#asked += 1)}`;
    const reply = this.state.acquire({ ...PLAIN, lockDelay: 0, requestId, ...spec }, now);
    this.write();
    return reply.success ? reply.lease : 0;
  }

  forceRelease(now: number): number {
    const number = this.state.forceRelease(`force ${(this.#asked += 1)}`, now);
    this.write();
    return number;
  }

  write(): number {
    const { writes, events } = this.state.takeEffects();
    this.events.push(...events);
    for (const slot of writes) this.disk.set(slot.index, structuredClone(slot));
    return writes.length;
  }

  restart(now: number): void {
    this.state = new LockState(structuredClone([...this.disk.values()]), now);
  }
}
