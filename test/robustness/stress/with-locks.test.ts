import { describe, it } from "vitest";
import { useDurableLock, withLocks } from "../../../src/index.ts";
import { WRITER } from "../../support/history.ts";

import { CALLERS, IDS, WAIT, everybody, history, ids, locks, pause, pick } from "./callers.ts";

describe(`${CALLERS} callers over ${IDS} ids`, { timeout: 120_000 }, () => {
  it("G1 G8 withLocks never deadlocks, whatever locks are listed in whatever order.", async () => {
    await everybody(async () => {
      const chosen = [...new Set(Array.from({ length: 2 + pick(3) }, () => ids[pick(IDS)] as string))];
      const all = chosen.map((id) => useDurableLock(locks, id));
      await withLocks(
        all,
        async ({ leases }) => {
          const sections = chosen.map((id, n) => history.enter(id, leases[n] as number, WRITER));
          await pause();
          for (const { leave } of sections) leave();
        },
        WAIT,
      );
    });
  });
});
