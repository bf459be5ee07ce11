import { describe, expect, it } from "vitest";
import { BarrierState } from "../../src/core/barrier-state.ts";

const NOW = 1_800_000_000_000;

describe("a barrier", () => {
  it("is broken at once, for all who had come, by one whose time is up", () => {
    const barrier = new BarrierState([]);
    barrier.arrive({ parties: 3, requestId: "patient", wait: 10_000, waited: 0 }, NOW);
    barrier.arrive({ parties: 3, requestId: "hasty", wait: 100, waited: 0 }, NOW);
    barrier.wake(NOW + 100);
    expect(barrier.takeEffects().answers).toMatchObject([
      { requestId: "hasty", reply: { reason: "TIMEOUT" } },
      { requestId: "patient", reply: { reason: "BROKEN", why: "timeout" } },
    ]);
  });
});
