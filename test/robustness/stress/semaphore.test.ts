import { describe, expect, it } from "vitest";
import { useSemaphore } from "../../../src/index.ts";
import { permitsOf } from "../../support/history.ts";

import { CALLERS, IDS, WAIT, everybody, history, locks, pick, work } from "./callers.ts";

describe(`${CALLERS} callers over ${IDS} ids`, { timeout: 120_000 }, () => {
  it("G1 G4 G8 A semaphore never gives out more than its permits, however many each caller takes.", async () => {
    await everybody((id) => {
      const count = 1 + pick(4);
      const { withPermits } = useSemaphore(locks, id, { permits: 4 });
      return withPermits(count, ({ lease }) => work(id, lease, permitsOf(count, 4)), WAIT);
    });
    expect(history.entered).toBe(CALLERS);
  });
});
