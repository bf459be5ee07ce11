import { describe, expect, it } from "vitest";
import { webLocks } from "../../../src/index.ts";
import { READER, WRITER } from "../../support/history.ts";

import { CALLERS, IDS, everybody, history, locks, pick, work } from "./callers.ts";

describe(`${CALLERS} callers over ${IDS} ids`, { timeout: 120_000 }, () => {
  it("G1 G4 G8 Web Locks are held alone if exclusive and together if shared.", async () => {
    const managers = Array.from({ length: 5 }, () => webLocks(locks));
    await everybody((id, n) => {
      const mode = pick(2) === 0 ? "shared" : "exclusive";
      const claim = mode === "shared" ? READER : WRITER;
      const manager = managers[n % managers.length] as (typeof managers)[number];
      return manager.request(id, { mode }, (lock) => work(id, lock?.lease ?? 0, claim));
    });
    expect(history.entered).toBe(CALLERS);
    for (const manager of managers) expect(await manager.query()).toEqual({ held: [], pending: [] });
  });
});
