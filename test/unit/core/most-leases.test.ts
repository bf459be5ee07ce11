import { describe, expect, it } from "vitest";
import { LIMITS } from "../../../src/core/limits.ts";
import { Machine, NOW, PLAIN, READER } from "./machine.ts";

describe("G9 the limit of leases", () => {
  it("A writer may still queue at the limit of leases: only a request for one more lease is refused.", () => {
    const machine = new Machine();
    for (let count = 0; count < LIMITS.maxLeases; count += 1) machine.acquire(NOW, READER);
    const waiting = { ...PLAIN, lockDelay: 0, wait: 10_000 };
    expect(machine.state.enqueue({ ...waiting, ...READER, requestId: "reader" }, NOW)).toEqual({
      success: false,
      reason: "TOO_MANY_LEASES",
    });
    expect(machine.state.acquire({ ...waiting, ...READER, requestId: "reader" }, NOW)).toEqual({
      success: false,
      reason: "TOO_MANY_LEASES",
    });
    expect(machine.state.enqueue({ ...waiting, requestId: "writer" }, NOW)).toBe(undefined);
  });

  it("A waiter at the limit of leases still learns that the lock is taken and which position it keeps.", () => {
    const machine = new Machine();
    const { maxLeases } = LIMITS;
    const last = machine.acquire(NOW, { ...READER, permits: 2, ttl: 60_000 });
    for (let count = 2; count < maxLeases; count += 1) machine.acquire(NOW, { ...READER, ttl: 60_000 });
    const waiting = { ...PLAIN, ...READER, ttl: 60_000, lockDelay: 0, wait: 60_000, longPoll: 1_000 };
    machine.state.enqueue({ ...waiting, capacity: maxLeases, requestId: "first" }, NOW);
    machine.state.enqueue({ ...waiting, capacity: 1, requestId: "second" }, NOW);
    // Makes room for the first waiter, which gets the last lease within the limit.
    machine.state.convert(last, READER, "convert", NOW);
    machine.state.wake(NOW + 1_000);
    expect(machine.state.takeEffects().answers).toMatchObject([
      { requestId: "first", reply: { success: true } },
      { requestId: "second", reply: { reason: "BORROWED", waiting: 1, place: 1 } },
    ]);
  });
});
