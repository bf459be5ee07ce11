import { describe, expect, it } from "vitest";
import { useReadWriteLock } from "../../../src/index.ts";
import { READER, WRITER } from "../../support/history.ts";
import { stubOf } from "../../support/locks.ts";

import { CALLERS, IDS, WAIT, everybody, history, locks, pause, pick } from "./callers.ts";

describe(`${CALLERS} callers over ${IDS} ids`, { timeout: 120_000 }, () => {
  it("G1 G4 G8 A read-write lock admits writers alone, also after an upgrade and until a downgrade.", async () => {
    await everybody(async (id) => {
      const { read, write, downgrade, upgrade } = useReadWriteLock(locks, id);
      const isWriter = pick(3) === 0;
      await (isWriter ? write : read).withLock(async (held) => {
        const section = history.enter(id, held.lease, isWriter ? WRITER : READER);
        await pause();
        if (isWriter) {
          // Readers may come in before the reply is back.
          section.convert(READER);
          await downgrade(held);
        } else if (await upgrade(held)) section.convert(WRITER);
        await stubOf(id).isLocked();
        section.leave();
      }, WAIT);
    });
    expect(history.entered).toBe(CALLERS);
  });
});
