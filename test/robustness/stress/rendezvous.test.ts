import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { useBarrier, useLatch } from "../../../src/index.ts";

import { CALLERS, IDS, WAIT, ids } from "./callers.ts";

describe(`${CALLERS} callers over ${IDS} ids`, { timeout: 120_000 }, () => {
  it("A latch and a barrier open when all have come, and not before.", async () => {
    const perId = CALLERS / IDS;
    const come = new Map<string, number>();
    await Promise.all(
      Array.from({ length: CALLERS }, async (_, n) => {
        const id = ids[n % IDS] as string;
        come.set(id, (come.get(id) ?? 0) + 1);
        const latch = useLatch(env.DURABLE_RENDEZVOUS, id, { count: perId });
        await latch.countDown();
        await latch.wait(WAIT);
        expect(come.get(id)).toBe(perId);
        const barrier = useBarrier(env.DURABLE_RENDEZVOUS, id, { parties: perId });
        const [first, second] = [await barrier.arrive(WAIT), await barrier.arrive(WAIT)];
        expect(second.generation).toBeGreaterThan(first.generation);
      }),
    );
    for (const id of ids) expect(await env.DURABLE_RENDEZVOUS.getByName(id).waiting()).toBe(0);
  });
});
