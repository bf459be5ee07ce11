import { describe, expect, it } from "vitest";
import { useDurableLock } from "../../../src/index.ts";

import { CALLERS, IDS, WAIT, everybody, history, locks, work } from "./callers.ts";

describe(`${CALLERS} callers over ${IDS} ids`, { timeout: 120_000 }, () => {
  it("G1 G2 G4 G8 mutex: one at a time, all in the end, nothing left", async () => {
    await everybody((id) => useDurableLock(locks, id).withLock(({ lease }) => work(id, lease), WAIT));
    expect(history.entered).toBe(CALLERS);
  });
});
