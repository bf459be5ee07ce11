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
});
