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

// Ahead of the clock with which the object itself started.
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

/** Runs on a new host in a new object, on real storage. */
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

const watchExit = (host: LockHost, lease: number) => host.watchExit(lease) as ExitWatchReply & { success: true };

describe("G8 a lock that was never used", () => {
  it("A lock that was never used asks its storage only whether it was.", async () => {
    await runInDurableObject(stubOf(freshId()), (_lock, state) => {
      const [get, block] = [vi.spyOn(state.storage.kv, "get"), vi.spyOn(state, "blockConcurrencyWhile")];
      void new LockHost(new SqliteStorage(state.storage), state);
      for (const spy of [get, block]) expect(spy).not.toHaveBeenCalled();
    });
  });
});

describe("G9 the limit of waiting calls", () => {
  it("The limit of waiting calls does not apply to a call that does not wait.", async () => {
    await inside(async (host) => {
      await granted(host, "holder");
      for (let call = 0; call < 100; call += 1) host.request({ ...REQUEST, wait: 1_000, requestId: "same" });
      expect(await host.request({ ...REQUEST, wait: 1_000, requestId: "same" }).reply).toMatchObject({
        reason: "QUEUE_FULL",
      });
      expect(await host.request({ ...REQUEST, requestId: "same" }).reply).toMatchObject({ reason: "BORROWED" });
    });
  });

  it("The limit of waiting calls also applies to watchers and followers, and lets in that many.", async () => {
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

  it("The limit of waiting calls counts all equal calls for the events of one lease as one.", async () => {
    changeLimits({ maxWaiters: 3 });
    await inside(async (host) => {
      const { events } = watchExit(host, await granted(host, "holder"));
      for (let call = 0; call < 5; call += 1) void events.next(false);
      for (let call = 0; call < 5; call += 1) void events.next(true);
      void host.watch(1, 0);
      const third = host.watch(0, 0);
      expect(await third).toMatchObject({ locked: true });
    });
  });
});

describe("Exit watches at the object", () => {
  it("An exit watch of a lease that is not live is refused.", async () => {
    await inside(async (host) => {
      const lease = await granted(host, "holder", { ttl: 1_000 });
      await pass(1_000);
      expect(host.watchExit(lease)).toEqual({ success: false, reason: "NO_LONGER_VALID", ended: "expired" });
    });
  });

  it("An exit watch reports a release request to the calls that have not heard of it, and to no others.", async () => {
    await inside(async (host) => {
      const { events } = watchExit(host, await granted(host, "holder"));
      const [unaware, informed] = [events.next(false), events.next(true)];
      host.run((state, now) => state.requestRelease("ask", now));
      await pass(0);
      expect(await settled(unaware)).toEqual({ releaseRequested: true });
      expect(await settled(informed)).toBe("parked");
      expect(await settled(events.next(true))).toBe("parked");
      expect(await events.next(false)).toEqual({ releaseRequested: true });
    });
  });

  it("An exit watch reports the end of the lease to all its calls.", async () => {
    await inside(async (host) => {
      const lease = await granted(host, "holder");
      const { events } = watchExit(host, lease);
      const all = [events.next(false), events.next(true)];
      host.run((state, now) => state.forceRelease("force", now));
      expect(await Promise.all(all)).toEqual([{ ended: "superseded" }, { ended: "superseded" }]);
    });
  });

  it("The object forgets exit watches of dead leases once it has more than can be live, and no others.", async () => {
    changeLimits({ maxLeases: 2 });
    await inside(async (host) => {
      const share = { exclusive: false, permits: 1, capacity: Infinity };
      const first = await granted(host, "first", { ...share, ttl: 10_000 });
      const { events } = watchExit(host, first);
      void events.next(false);
      watchExit(host, await granted(host, "second", { ...share, ttl: 20_000 }));
      await pass(10_000);
      const third = await granted(host, "third", share);
      const { handle, events: thirdEvents } = watchExit(host, third);
      void thirdEvents.next(false);
      await pass(10_000);
      const fourth = await granted(host, "fourth", share);
      watchExit(host, fourth);
      // The third lease is live: disposing of its handle still ends it.
      expect(host.ask((state, now) => state.find(third, now))).toBeDefined();
      handle[Symbol.dispose]();
      expect(host.ask((state, now) => state.find(third, now))).toBeUndefined();
      expect(host.ask((state, now) => state.find(fourth, now))).toBeDefined();
    });
  });
});

describe("Results of jobs at the object", () => {
  it("A result that can't be stored leaves the lease as it was.", async () => {
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

  it("The result of a job whose lease has expired is not stored.", async () => {
    await inside(async (host, { storage }) => {
      const lease = await granted(host, "job", { job: { fingerprint: undefined }, ttl: 1_000 });
      vi.setSystemTime(Date.now() + 1_000);
      expect(host.release(lease, "end", RESULT)).toMatchObject({ reason: "NO_LONGER_VALID", ended: "expired" });
      expect(storage.kv.get("result")).toBeUndefined();
    });
  });

  it("A result whose time has ended is deleted by the clean-up, even if no caller asks for it.", async () => {
    await inside(async (host, { storage }) => {
      host.release(await granted(host, "job", { job: { fingerprint: undefined } }), "end", RESULT);
      await granted(host, "other", { ttl: 86_400_000 });
      vi.setSystemTime(Date.now() + 10_000);
      await host.cleanUp();
      expect(storage.kv.get("result")).toBeUndefined();
    });
  });
});

describe("G8 an idle lock", () => {
  it("A lock is wiped after a day less ten minutes without use, to the millisecond.", async () => {
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

  it("A late call about an old lease writes nothing to a lock that was wiped.", async () => {
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

  it("A lock that was wiped has a new table, one row and an alarm, and its lease numbers still grow.", async () => {
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
