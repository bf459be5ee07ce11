import { describe, expect, it } from "vitest";
import { once, useDurableLock } from "../../../src/index.ts";

import { CALLERS, IDS, WAIT, everybody, locks, pause } from "./callers.ts";

describe(`${CALLERS} callers over ${IDS} ids`, { timeout: 120_000 }, () => {
  it("once runs one job for each key and gives its result to all.", async () => {
    const runs = new Map<string, number>();
    const results = await everybody(async (id) => {
      const run = async () => {
        await pause();
        runs.set(id, (runs.get(id) ?? 0) + 1);
        return `result of ${id}`;
      };
      return [id, await once(useDurableLock(locks, id), run, WAIT)] as const;
    });
    for (const [id, result] of results) expect(result).toBe(`result of ${id}`);
    expect([...runs.values()].every((count) => count === 1)).toBe(true);
  });
});
