import { describe, expect, it } from "vitest";
import { LockState } from "../../src/core/lock-state.ts";
import type { LockRequest } from "../../src/core/request.ts";
import type { Slot } from "../../src/core/slots.ts";

const NOW = 1_800_000_000_000;
const PLAIN = {
  exclusive: true,
  permits: 1,
  capacity: 1,
  owner: undefined,
  wait: 0,
  waited: 0,
  ttl: 1_000,
  lockDelay: 0,
  steal: false,
  once: undefined,
};

/** A state machine and the disk that it writes to. */
class Machine {
  readonly disk = new Map<number, Slot>();
  state = new LockState([], NOW);

  acquire(now: number, claim: Partial<LockRequest> = {}): boolean {
    const { success } = this.state.acquire({ ...PLAIN, requestId: crypto.randomUUID(), ...claim }, now);
    this.write();
    return success;
  }

  write(): number {
    const { writes } = this.state.takeEffects();
    for (const slot of writes) this.disk.set(slot.index, structuredClone(slot));
    return writes.length;
  }

  restart(now: number): void {
    this.state = new LockState(structuredClone([...this.disk.values()]), now);
  }
}

const SHARED = { exclusive: false, permits: 1, capacity: 2 };

describe("G1 G3 after a restart whose clock has stepped back", () => {
  it("leases that had expired when another was granted do not stand beside it", () => {
    const machine = new Machine();
    expect(machine.acquire(NOW, SHARED)).toBe(true);
    expect(machine.acquire(NOW, SHARED)).toBe(true);
    expect(machine.acquire(NOW + 2_000)).toBe(true);
    machine.restart(NOW + 500);
    expect(machine.state.status(NOW + 500).holders).toMatchObject([{ exclusive: true }]);
  });

  it("a lease that expired unnoticed costs no write until then", () => {
    const machine = new Machine();
    machine.acquire(NOW, SHARED);
    machine.acquire(NOW, SHARED);
    machine.state.wake(NOW + 2_000);
    expect(machine.write()).toBe(0);
  });
});

describe("G4 after a restart", () => {
  it("nobody is granted before the queue had its time to reassemble, and then in the order of arrival", () => {
    const { state } = new Machine();
    const late = { ...PLAIN, wait: 20_000 };
    expect(state.enqueue({ ...late, requestId: "second", waited: 5_000 }, NOW + 100)).toBe(undefined);
    expect(state.enqueue({ ...late, requestId: "first", waited: 6_000 }, NOW + 300)).toBe(undefined);
    expect(state.nextWake(NOW + 300)).toBe(NOW + 2_000);
    state.wake(NOW + 2_000);
    expect(state.takeEffects().answers).toMatchObject([{ requestId: "first", reply: { success: true } }]);
  });

  it("a newcomer to an instance that had no queue before it is granted at once", () => {
    const { state } = new Machine();
    const newcomer = { ...PLAIN, wait: 20_000 };
    expect(state.enqueue({ ...newcomer, requestId: "a" }, NOW)).toMatchObject({ success: true });
  });
});

describe("G4 G8 one whose own time is up", () => {
  it("is answered and leaves the line for good", () => {
    const machine = new Machine();
    machine.acquire(NOW);
    machine.state.enqueue({ ...PLAIN, wait: 100, requestId: "waiter" }, NOW);
    machine.state.wake(NOW + 100);
    expect(machine.state.takeEffects().answers).toMatchObject([{ requestId: "waiter", reply: { reason: "BORROWED" } }]);
    expect(machine.state.waiting).toBe(0);
  });
});
