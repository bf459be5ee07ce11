import { runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type HeldLease } from "../../../src/index.ts";
import { faultyNamespace, losingReplies } from "../../support/faulty-namespace.ts";
import { crash, freshId, holders, leaseOf, lockOf, stubOf, untilWaiting } from "../../support/locks.ts";

const READ = { permits: 1, capacity: Number.POSITIVE_INFINITY };

const until = (condition: () => Promise<void> | void) => vi.waitFor(condition, { timeout: 10_000, interval: 5 });

afterEach(() => {
  vi.restoreAllMocks();
});

describe("requestRelease", () => {
  it("requestRelease reaches a holder once, with its next renewal.", async () => {
    const id = freshId();
    const asked: number[] = [];
    await using held = await lockOf(id).hold({ onReleaseRequested: ({ lease }) => void asked.push(lease) });
    await lockOf(id).requestRelease();
    expect(asked).toEqual([]);
    await held.renew();
    await held.renew();
    await lockOf(id).requestRelease();
    await held.renew();
    expect(asked).toEqual([held.lease]);
    expect(held.signal.aborted).toBe(false);
  });

  it("requestRelease reaches a holder through its automatic renewals and lets it hand the lock on.", async () => {
    const id = freshId();
    const { promise: asked, resolve } = Promise.withResolvers<HeldLease>();
    const working = lockOf(id).withLock(() => asked, { ttl: 6_000, onReleaseRequested: resolve });
    await until(async () => expect(await holders(id)).toBe(1));
    const mine = lockOf(id).withLock(() => "mine", { wait: 20_000 });
    await untilWaiting(id, 1);
    await lockOf(id).requestRelease();
    expect(await mine).toBe("mine");
    await working;
  });

  it("requestRelease reaches a holder with releaseOnExit once and at once.", async () => {
    const id = freshId();
    const onReleaseRequested = vi.fn<(held: HeldLease) => void>();
    await using held = await lockOf(id).hold({ ttl: 3_600_000, releaseOnExit: true, onReleaseRequested });
    await lockOf(id).requestRelease();
    await until(() => expect(onReleaseRequested).toHaveBeenCalledOnce());
    await lockOf(id).requestRelease();
    await held.renew();
    expect(onReleaseRequested).toHaveBeenCalledOnce();
    // The exit watch is still set up: the holder also learns about a loss at once.
    await lockOf(id).forceRelease();
    await until(() => expect(held.signal.aborted).toBe(true));
  });

  it("requestRelease reaches a caller that takes the lease over with resume.", async () => {
    const id = freshId();
    const lease = await leaseOf(lockOf(id).acquire(60_000));
    await lockOf(id).requestRelease();
    const onReleaseRequested = vi.fn<(held: HeldLease) => void>();
    await using held = await lockOf(id).resume(lease, { onReleaseRequested });
    expect(onReleaseRequested).toHaveBeenCalledExactlyOnceWith(held);
  });

  it("A request to release survives a restart of the object.", async () => {
    const id = freshId();
    const onReleaseRequested = vi.fn<(held: HeldLease) => void>();
    await using held = await lockOf(id).hold({ onReleaseRequested });
    await lockOf(id).requestRelease();
    await crash(id);
    expect((await lockOf(id).status()).holders).toMatchObject([{ releaseRequested: true }]);
    await held.renew();
    expect(onReleaseRequested).toHaveBeenCalledOnce();
  });

  it("requestRelease does not disturb a hold without a callback.", async () => {
    const id = freshId();
    const done = await lockOf(id).withLock(async (held) => {
      await lockOf(id).requestRelease();
      await held.renew();
      return held.isLost();
    });
    expect(done).toBe(false);
  });

  it("status shows a request to release, and later holders are not asked.", async () => {
    const id = freshId();
    const lease = await leaseOf(lockOf(id).acquire(60_000, READ));
    await lockOf(id).requestRelease();
    await leaseOf(lockOf(id).acquire(60_000, READ));
    const [old, newer] = (await lockOf(id).status()).holders;
    expect(old).toMatchObject({ lease, releaseRequested: true });
    expect(newer).not.toHaveProperty("releaseRequested");
  });

  it("G5: A requestRelease that is repeated after a lost reply does not ask a holder that came in the meantime.", async () => {
    const id = freshId();
    const lease = await leaseOf(lockOf(id).acquire(60_000));
    let attempts = 0;
    const { namespace } = faultyNamespace(async (method, run, args) => {
      if (method === "requestRelease" && (attempts += 1) === 2) {
        await lockOf(id).release(lease);
        await lockOf(id).acquire(60_000);
      }
      return losing(method, run, args);
    });
    const losing = losingReplies(["requestRelease"]);
    await lockOf(id, namespace).requestRelease();
    expect(attempts).toBe(2);
    expect((await lockOf(id).status()).holders[0]).not.toHaveProperty("releaseRequested");
  });

  it("requestRelease stores nothing about a free lock.", async () => {
    const id = freshId();
    await lockOf(id).requestRelease();
    const tables = await runInDurableObject(stubOf(id), (_lock, { storage }) =>
      storage.sql.exec("SELECT name FROM sqlite_master").toArray(),
    );
    expect(tables).toEqual([]);
  });

  it("A callback that throws or rejects is logged and breaks nothing.", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const failing = [
      () => {
        throw new Error("thrown");
      },
      () => Promise.reject(new Error("rejected")),
    ];
    for (const onReleaseRequested of failing) {
      const id = freshId();
      await using held = await lockOf(id).hold({ onReleaseRequested });
      await lockOf(id).requestRelease();
      await held.renew();
      await held.renew();
      expect(held.isLost()).toBe(false);
    }
    expect(log.mock.calls.map(([, error]) => (error as Error).message)).toEqual(["thrown", "rejected"]);
  });
});
