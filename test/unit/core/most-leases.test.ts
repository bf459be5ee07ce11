import { describe, expect, it } from "vitest";
import { LIMITS } from "../../../src/core/limits.ts";
import { Machine, NOW, PLAIN, READER } from "./machine.ts";

describe("G9 as many leases as there may be", () => {
  it("keep no writer from the line: only what would be one more is refused", () => {
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

  it("do not hide from a waiter that it keeps its place: it hears that the lock is taken", () => {
    const machine = new Machine();
    const { maxLeases } = LIMITS;
    const last = machine.acquire(NOW, { ...READER, permits: 2, ttl: 60_000 });
    for (let count = 2; count < maxLeases; count += 1) machine.acquire(NOW, { ...READER, ttl: 60_000 });
    const waiting = { ...PLAIN, ...READER, ttl: 60_000, lockDelay: 0, wait: 60_000, longPoll: 1_000 };
    machine.state.enqueue({ ...waiting, capacity: maxLeases, requestId: "first" }, NOW);
    machine.state.enqueue({ ...waiting, capacity: 1, requestId: "second" }, NOW);
    // Makes room for the first, which is granted as the last lease that may be.
    machine.state.convert(last, READER, "convert", NOW);
    machine.state.wake(NOW + 1_000);
    expect(machine.state.takeEffects().answers).toMatchObject([
      { requestId: "first", reply: { success: true } },
      { requestId: "second", reply: { reason: "BORROWED", waiting: 1, place: 1 } },
    ]);
  });
});
