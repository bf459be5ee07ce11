import { describe, expect, it } from "vitest";
import { useDurableLock } from "../../../src/index.ts";

import { CALLERS, IDS, WAIT, everybody, history, locks, work } from "./callers.ts";

describe(`${CALLERS} callers over ${IDS} ids`, { timeout: 120_000 }, () => {
  it("G1 G2 G4 G8 A mutex admits one caller at a time, all get it in the end, and nothing is left.", async () => {
    await everybody((id) => useDurableLock(locks, id).withLock(({ lease }) => work(id, lease), WAIT));
    expect(history.entered).toBe(CALLERS);
  });
});
