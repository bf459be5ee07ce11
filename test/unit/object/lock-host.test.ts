import { runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { LIMITS } from "../../../src/core/limits.ts";
import type { ExitWatchReply } from "../../../src/index.ts";
import { LockHost } from "../../../src/object/lock-host.ts";
import { SqliteStorage } from "../../../src/object/storage/sqlite-storage.ts";
import { fakeTime, pass } from "../../support/fake-time.ts";
import { changeableLimits } from "../../support/limits.ts";
import { freshId, stubOf } from "../../support/locks.ts";
import { settled } from "../../support/outcome.ts";

fakeTime();
const changeLimits = changeableLimits();

// Ahead of the clock by which the object itself began.
beforeEach(() => void vi.setSystemTime(Date.now() + 60_000));

const REQUEST = {
  exclusive: true,
  permits: 1,
  capacity: 1,
  ttl: 60_000,
  wait: 0,
  waited: 0,
  lockDelay: 0,
  steal: false,
  owner: undefined,
  job: undefined,
} as const;
const RESULT = { value: "receipt", failed: false, retain: 10_000 };

/** A host of its own in an object of its own, on real storage. */
const inside = (work: (host: LockHost, state: DurableObjectState) => void | Promise<void>) =>
  runInDurableObject(stubOf(freshId()), (_lock, state) =>
    work(new LockHost(new SqliteStorage(state.storage), state), state),
  );

/** The lease of a request that must be granted. */
async function granted(host: LockHost, requestId: string, rest: object = {}): Promise<number> {
  const reply = await host.request({ ...REQUEST, requestId, ...rest }).reply;
  if (!reply.success) expect.fail(reply.reason);
  return reply.lease;
}

const bound = (host: LockHost, lease: number) => host.watchExit(lease) as ExitWatchReply & { success: true };

describe("G8 a lock that was never used", () => {
  it("asks its storage for nothing but whether it was", async () => {
    await runInDurableObject(stubOf(freshId()), (_lock, state) => {
      const [get, block] = [vi.spyOn(state.storage.kv, "get"), vi.spyOn(state, "blockConcurrencyWhile")];
      void new LockHost(new SqliteStorage(state.storage), state);
      for (const spy of [get, block]) expect(spy).not.toHaveBeenCalled();
    });
  });
});

describe("G9 a bound of waiting calls", () => {
  it("does not stand in the way of one that doesn't wait", async () => {
    await inside(async (host) => {
      await granted(host, "holder");
      for (let call = 0; call < 100; call += 1) host.request({ ...REQUEST, wait: 1_000, requestId: "same" });
      expect(await host.request({ ...REQUEST, wait: 1_000, requestId: "same" }).reply).toMatchObject({
        reason: "QUEUE_FULL",
      });
      expect(await host.request({ ...REQUEST, requestId: "same" }).reply).toMatchObject({ reason: "BORROWED" });
    });
  });

  it("holds for those who watch and those who follow, and lets in as many", async () => {
    changeLimits({ maxWaiters: 2 });
    await inside(async (host) => {
      const { revision } = (await host.follow(undefined, 0)) as { revision: string };
      const parked = [host.watch(0, 1_000), host.follow(revision, 1_000)];
      expect(await settled(Promise.race(parked))).toBe("parked");
      const full = { success: false, reason: "QUEUE_FULL" };
      expect(await host.watch(0, 0)).toEqual(full);
      expect(await host.follow(revision, 0)).toEqual(full);
      await pass(1_001);
      await Promise.all(parked);
      expect(await host.watch(1, 0)).toMatchObject({ locked: false });
    });
  });

  it("counts all calls that ask the same of one lease as one", async () => {
    changeLimits({ maxWaiters: 3 });
    await inside(async (host) => {
      const { events } = bound(host, await granted(host, "holder"));
      for (let call = 0; call < 5; call += 1) void events.next(false);
      for (let call = 0; call < 5; call += 1) void events.next(true);
      void host.watch(1, 0);
      const third = host.watch(0, 0);
      expect(await third).toMatchObject({ locked: true });
    });
  });
});

describe("crash release, at the object", () => {
  it("of a lease that is not live is refused", async () => {
    await inside(async (host) => {
      const lease = await granted(host, "holder", { ttl: 1_000 });
      await pass(1_000);
      expect(host.watchExit(lease)).toEqual({ success: false, reason: "NO_LONGER_VALID", ended: "expired" });
    });
  });

  it("tells a wish that it be released to those who were not told, and to no other", async () => {
    await inside(async (host) => {
      const { events } = bound(host, await granted(host, "holder"));
      const [untold, told] = [events.next(false), events.next(true)];
      host.run((state, now) => state.requestRelease("wish", now));
      await pass(0);
      expect(await settled(untold)).toEqual({ releaseRequested: true });
      expect(await settled(told)).toBe("parked");
      expect(await settled(events.next(true))).toBe("parked");
      expect(await events.next(false)).toEqual({ releaseRequested: true });
    });
  });

  it("tells the end to both", async () => {
    await inside(async (host) => {
      const lease = await granted(host, "holder");
      const { events } = bound(host, lease);
      const all = [events.next(false), events.next(true)];
      host.run((state, now) => state.forceRelease("force", now));
      expect(await Promise.all(all)).toEqual([{ ended: "superseded" }, { ended: "superseded" }]);
    });
  });

  it("forgets the ties of what is live no more, once there are more than can live, and no others", async () => {
    changeLimits({ maxLeases: 2 });
    await inside(async (host) => {
      const share = { exclusive: false, permits: 1, capacity: Infinity };
      const first = await granted(host, "first", { ...share, ttl: 10_000 });
      const { events } = bound(host, first);
      void events.next(false);
      bound(host, await granted(host, "second", { ...share, ttl: 20_000 }));
      await pass(10_000);
      const third = await granted(host, "third", share);
      const { handle, events: thirdNews } = bound(host, third);
      void thirdNews.next(false);
      await pass(10_000);
      const fourth = await granted(host, "fourth", share);
      bound(host, fourth);
      // The third is live: its end is still its handle's.
      expect(host.ask((state, now) => state.find(third, now))).toBeDefined();
      handle[Symbol.dispose]();
      expect(host.ask((state, now) => state.find(third, now))).toBeUndefined();
      expect(host.ask((state, now) => state.find(fourth, now))).toBeDefined();
    });
  });
});

describe("the result of a job, at the object", () => {
  it("that can't be stored leaves the lease as it was", async () => {
    await inside(async (host, { storage }) => {
      const lease = await granted(host, "job", { job: { fingerprint: undefined } });
      const tooLarge = { ...RESULT, value: "x".repeat(3_000_000) };
      expect(host.release(lease, "end", tooLarge)).toEqual({ success: false, reason: "RESULT_TOO_LARGE" });
      expect(storage.kv.get("result")).toBeUndefined();
      expect(host.ask((state, now) => state.find(lease, now))).toBeDefined();
      expect(host.release(lease, "end", RESULT)).toBe(true);
      expect(storage.kv.get("result")).toMatchObject({ value: "receipt" });
    });
  });

  it("of a lease that has run out is not stored", async () => {
    await inside(async (host, { storage }) => {
      const lease = await granted(host, "job", { job: { fingerprint: undefined }, ttl: 1_000 });
      vi.setSystemTime(Date.now() + 1_000);
      expect(host.release(lease, "end", RESULT)).toMatchObject({ reason: "NO_LONGER_VALID", ended: "expired" });
      expect(storage.kv.get("result")).toBeUndefined();
    });
  });

  it("whose time is over is deleted by the clean-up, though nobody asks for it", async () => {
    await inside(async (host, { storage }) => {
      host.release(await granted(host, "job", { job: { fingerprint: undefined } }), "end", RESULT);
      await granted(host, "other", { ttl: 86_400_000 });
      vi.setSystemTime(Date.now() + 10_000);
      await host.cleanUp();
      expect(storage.kv.get("result")).toBeUndefined();
    });
  });
});

describe("G8 a lock that is used no more", () => {
  it("is wiped when it was not used for a day but ten minutes, to the millisecond", async () => {
    await inside(async (host, { storage }) => {
      const lease = await granted(host, "holder");
      host.run((state, now) => state.release(lease, "end", now));
      const used = Date.now();
      const isStored = () => storage.sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'leases'").toArray().length > 0;
      vi.setSystemTime(used + LIMITS.idle - 1);
      await host.cleanUp();
      expect(await storage.getAlarm()).toBe(used + LIMITS.idle - 1 + 86_400_000);
      expect(isStored()).toBe(true);
      vi.setSystemTime(used + LIMITS.idle);
      await host.cleanUp();
      expect(isStored()).toBe(false);
      expect(await storage.getAlarm()).toBeNull();
    });
  });

  it("leaves nothing to be written by who asks for what was before", async () => {
    await inside(async (host, { storage }) => {
      const lease = await granted(host, "holder", { ttl: 1_000 });
      vi.setSystemTime(Date.now() + 86_401_000);
      await host.cleanUp();
      expect(host.run((state, now) => state.renew(lease, 1_000, "late", now))).toMatchObject({
        reason: "NO_LONGER_VALID",
      });
      expect(storage.sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'leases'").toArray()).toEqual([]);
    });
  });

  it("is as new: its table is made again, with one row and an alarm; only its numbers grow on", async () => {
    await inside(async (host, { storage }) => {
      const lease = await granted(host, "holder");
      host.run((state, now) => state.release(lease, "end", now));
      vi.setSystemTime(Date.now() + 86_400_000);
      await host.cleanUp();
      expect(await granted(host, "next")).toBeGreaterThan(lease);
      expect(storage.sql.exec("SELECT * FROM leases").toArray()).toHaveLength(1);
      expect(await storage.getAlarm()).toBe(Date.now() + 86_400_000);
    });
  });
});
