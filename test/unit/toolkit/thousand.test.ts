import { describe, expect, it } from "vitest";
import { faultyNamespace } from "../../support/faulty-namespace.ts";
import { freshId, lockOf } from "../../support/locks.ts";

describe("A thousand withLock calls", () => {
  it(
    "G4 A thousand withLock calls on one id run one at a time, in arrival order, with 2 requests each and no polling.",
    { timeout: 60_000 },
    async () => {
      const id = freshId();
      const { namespace, calls } = faultyNamespace((_method, run) => run());
      const lock = lockOf(id, namespace);
      const order: number[] = [];
      let running = 0;
      let most = 0;
      const work = async (index: number) => {
        most = Math.max(most, (running += 1));
        order.push(index);
        await Promise.resolve();
        running -= 1;
      };
      const since = performance.now();
      await Promise.all(
        Array.from({ length: 1_000 }, (_, index) => lock.withLock(() => work(index), { wait: 60_000 })),
      );
      expect(order).toEqual(Array.from({ length: 1_000 }, (_, index) => index));
      expect(most).toBe(1);
      const renewals = calls.filter(({ method }) => method === "renew").length;
      // A waiter asks again only when its long poll of 25 s has ended.
      const polls = Math.ceil((performance.now() - since) / 25_000);
      expect(calls.length - renewals).toBeLessThanOrEqual(1_000 * (polls + 1));
      expect(await lock.status()).toEqual({ locked: false, holders: [], waiters: [] });
    },
  );
});
