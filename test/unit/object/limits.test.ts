import { runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { freshId, stubOf } from "../../support/locks.ts";

const READ = { permits: 1, capacity: Number.POSITIVE_INFINITY };

describe("G9 limits of ten thousand", () => {
  it(
    "The object refuses the waiter beyond the limit of 10,000 and keeps the others.",
    { timeout: 60_000 },
    async () => {
      const stub = stubOf(freshId());
      await stub.acquire(60_000);
      await runInDurableObject(stub, async (lock) => {
        const parked = Array.from({ length: 10_000 }, (_, i) =>
          lock.acquire(1_000, { wait: 60_000, requestId: `r${i}` }),
        );
        expect(await lock.acquire(1_000, { wait: 60_000 })).toEqual({ success: false, reason: "QUEUE_FULL" });
        expect((await lock.status()).waiters).toHaveLength(10_000);
        for (let i = 0; i < 10_000; i += 1) await lock.cancel(`r${i}`);
        await Promise.all(parked);
        expect((await lock.status()).waiters).toHaveLength(0);
      });
    },
  );

  it("The object refuses the lease beyond the limit of 10,000.", { timeout: 60_000 }, async () => {
    const stub = stubOf(freshId());
    await runInDurableObject(stub, async (lock) => {
      for (let i = 0; i < 10_000; i += 1) await lock.acquire(600_000, READ);
      expect(await lock.acquire(1_000, READ)).toEqual({ success: false, reason: "TOO_MANY_LEASES" });
      expect(await lock.acquire(1_000, { ...READ, wait: 1_000 })).toEqual({
        success: false,
        reason: "TOO_MANY_LEASES",
      });
      expect((await lock.status()).holders).toHaveLength(10_000);
    });
  });
});
