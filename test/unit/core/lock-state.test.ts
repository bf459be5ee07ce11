import { describe, expect, it } from "vitest";
import { Machine, NOW, ONE_OF_TWO, PLAIN } from "./machine.ts";

const REQUEST = { ...PLAIN, lockDelay: 0 };

describe("G1 G3 restart with a clock that has stepped back", () => {
  it("Leases that had expired when another was granted do not come back beside it after a restart.", () => {
    const machine = new Machine();
    expect(machine.acquire(NOW, ONE_OF_TWO)).toBeGreaterThan(0);
    expect(machine.acquire(NOW, ONE_OF_TWO)).toBeGreaterThan(0);
    expect(machine.acquire(NOW + 2_000)).toBeGreaterThan(0);
    machine.restart(NOW + 500);
    expect(machine.state.status(NOW + 500).holders).toMatchObject([{ exclusive: true }]);
  });

  it("The permits of expired leases that another lease has taken are not taken twice after a restart.", () => {
    const machine = new Machine();
    for (const permits of [1, 1]) machine.acquire(NOW, { ...ONE_OF_TWO, capacity: 3, permits });
    const lease = machine.acquire(NOW + 2_000, { ...ONE_OF_TWO, capacity: 3, permits: 3 });
    machine.restart(NOW + 500);
    expect(machine.state.status(NOW + 500).holders).toMatchObject([{ lease }]);
  });

  it("A lease is written once when its holder learns that it is dead.", () => {
    const machine = new Machine();
    const lease = machine.acquire(NOW);
    for (const writes of [1, 0]) {
      machine.state.renew(lease, 1_000, "late", NOW + 2_000);
      expect(machine.write()).toBe(writes);
    }
  });

  it("A lease that expired costs no write until a call relies on its end.", () => {
    const machine = new Machine();
    machine.acquire(NOW, ONE_OF_TWO);
    machine.acquire(NOW, ONE_OF_TWO);
    machine.state.wake(NOW + 2_000);
    expect(machine.write()).toBe(0);
  });
});

describe("G4 restart", () => {
  it("After a restart no lease is granted until the queue has reassembled, and then in the order of arrival.", () => {
    const { state } = new Machine();
    const late = { ...REQUEST, wait: 20_000 };
    expect(state.enqueue({ ...late, requestId: "second", waited: 5_000 }, NOW + 100)).toBe(undefined);
    expect(state.enqueue({ ...late, requestId: "first", waited: 6_000 }, NOW + 300)).toBe(undefined);
    expect(state.nextWake(NOW + 300)).toBe(NOW + 2_000);
    state.wake(NOW + 2_000);
    expect(state.takeEffects().answers).toMatchObject([{ requestId: "first", reply: { success: true } }]);
  });

  it("A new waiter is granted at once by an instance that has no queue to reassemble.", () => {
    const { state } = new Machine();
    const newcomer = { ...REQUEST, wait: 20_000 };
    expect(state.enqueue({ ...newcomer, requestId: "a" }, NOW)).toMatchObject({ success: true });
  });
});

describe("G4 G8 the end of a wait", () => {
  it("A waiter whose time is up is answered and leaves the queue for good.", () => {
    const machine = new Machine();
    machine.acquire(NOW);
    machine.state.enqueue({ ...REQUEST, wait: 100, requestId: "waiter" }, NOW);
    machine.state.wake(NOW + 100);
    expect(machine.state.takeEffects().answers).toMatchObject([{ requestId: "waiter", reply: { reason: "BORROWED" } }]);
    expect(machine.state.waiting).toBe(0);
  });
});
