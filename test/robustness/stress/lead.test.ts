import { describe, expect, it } from "vitest";
import { lead, useDurableLock } from "../../../src/index.ts";

import { CALLERS, IDS, everybody, history, locks, work } from "./callers.ts";

describe(`${CALLERS} callers over ${IDS} ids`, { timeout: 120_000 }, () => {
  it("G1 G2 G8 A leader election has one leader at a time, in growing terms.", async () => {
    await everybody((id) => lead(useDurableLock(locks, id), ({ term }) => work(id, term)));
    expect(history.entered).toBe(CALLERS);
  });
});
