import { runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { LiveLeases } from "../../../src/core/leases/live-leases.ts";
import { LockHost } from "../../../src/object/lock-host.ts";
import { SqliteStorage } from "../../../src/object/storage/sqlite-storage.ts";
import { freshId, holders, leaseOf, stubOf } from "../../support/locks.ts";
import { rowsOf } from "../../support/tables.ts";

afterEach(() => void vi.restoreAllMocks());

describe("G1 broken invariants", () => {
  it("A lock that contradicts its own rules grants nothing and starts again from storage.", async () => {
    const id = freshId();
    const lease = await leaseOf(stubOf(id).acquire(60_000, { owner: "holder" }));
    const before = await rowsOf(id);
    const admits = vi.spyOn(LiveLeases.prototype, "admits").mockReturnValue(true);
    const second = runInDurableObject(stubOf(id), (lock) => lock.acquire(60_000, { owner: "second" }));
    await expect(second).rejects.toThrow("The lock broke an invariant");
    admits.mockRestore();
    expect(await rowsOf(id)).toEqual(before);
    expect(await stubOf(id).status()).toMatchObject({ holders: [{ lease, owner: "holder" }] });
    expect(await stubOf(id).acquire(60_000)).toMatchObject({ success: false, reason: "BORROWED" });
    expect(await stubOf(id).release(lease)).toBe(true);
    expect(await leaseOf(stubOf(id).acquire(60_000))).toBeGreaterThan(lease);
    expect(await holders(id)).toBe(1);
  });

  it("A broken invariant aborts the instance with its reason, writes nothing and answers no parked call.", async () => {
    await runInDurableObject(stubOf(freshId()), async (_lock, state) => {
      const abort = vi.spyOn(state, "abort").mockImplementation(() => {});
      const host = new LockHost(new SqliteStorage(state.storage), state);
      const request = { exclusive: true, permits: 1, capacity: 1, ttl: 60_000, wait: 0, waited: 0, lockDelay: 0 };
      const rest = { steal: false, owner: undefined, job: undefined };
      await host.request({ ...request, ...rest, requestId: "holder" }).reply;
      const waiting = host.request({ ...request, ...rest, wait: 60_000, requestId: "waiter" });
      const answered = vi.fn();
      void Promise.resolve(waiting.reply).then(answered);
      vi.spyOn(LiveLeases.prototype, "admits").mockReturnValue(true);
      const exec = vi.spyOn(state.storage.sql, "exec");
      expect(() => host.run((lock, now) => lock.wake(now))).toThrow(
        "An exclusive lease was granted although another lease blocks it.",
      );
      expect(abort).toHaveBeenCalledExactlyOnceWith(expect.stringContaining("An exclusive lease was granted although"));
      expect(exec).not.toHaveBeenCalled();
      await Promise.resolve();
      expect(answered).not.toHaveBeenCalled();
    });
  });
});
