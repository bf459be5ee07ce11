import { describe, expect, it } from "vitest";
import { PastRequests } from "../../../../src/core/leases/past-requests.ts";

const MINUTE = 60_000;

/** Adds the leases from `from` to `to` - 1, each with the request id of its number. */
function add(past: PastRequests, from: number, to: number, now: number): void {
  for (let lease = from; lease < to; lease += 1) past.add({ requestId: `r${lease}`, lease, how: "released" }, now);
}

/** The oldest lease below `to` that is remembered. */
function oldest(past: PastRequests, to: number): number | undefined {
  for (let lease = 0; lease < to; lease += 1) if (past.byLease(lease)) return lease;
  return undefined;
}

describe("Past requests", () => {
  it("G5 The last thousand past requests are remembered, however long ago they ended.", () => {
    const past = new PastRequests();
    add(past, 0, 1_000, 0);
    add(past, 1_000, 1_001, 1_000 * MINUTE);
    expect(oldest(past, 1_001)).toBe(1);
    expect(past.byRequest("r0")).toBeUndefined();
    expect(past.byRequest("r1")).toMatchObject({ lease: 1 });
  });

  it("G5 More past requests are remembered for a minute, in which a duplicate may still be on its way.", () => {
    const past = new PastRequests();
    add(past, 0, 3_000, 0);
    add(past, 3_000, 5_000, 1);
    expect(oldest(past, 5_000)).toBe(0);
    add(past, 5_000, 5_001, MINUTE - 1);
    expect(oldest(past, 5_001)).toBe(0);
    add(past, 5_001, 5_002, MINUTE);
    expect(oldest(past, 5_002)).toBe(3_000);
    add(past, 5_002, 5_003, MINUTE + 1);
    expect(oldest(past, 5_003)).toBe(4_003);
  });

  it("G9 At most ten thousand past requests are remembered, and the oldest is forgotten first.", () => {
    const past = new PastRequests();
    add(past, 0, 10_000, 0);
    expect(oldest(past, 10_000)).toBe(0);
    add(past, 10_000, 10_003, 0);
    expect(oldest(past, 10_003)).toBe(3);
  });

  it("A past request that is added again is the last to be forgotten.", () => {
    const past = new PastRequests();
    add(past, 0, 1_000, 0);
    past.add({ requestId: "r0", how: "released" }, 1);
    expect(past.byLease(0)).toBeUndefined();
    add(past, 1_000, 1_998, 2 * MINUTE);
    expect(past.byRequest("r0")).toEqual({ requestId: "r0", how: "released" });
    add(past, 1_998, 2_000, 2 * MINUTE);
    expect(past.byRequest("r0")).toBeUndefined();
  });
});
