import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LIMITS } from "../../../src/core/limits.ts";
import { type ArriveReply, DurableRendezvous } from "../../../src/index.ts";
import { freshId } from "../../support/locks.ts";
import { countTimers } from "../../support/timers.ts";

const DAY = 86_400_000;

const stubOf = (id: string) => env.DURABLE_RENDEZVOUS.getByName(id);

/** Runs `work` inside the object, so that nothing comes between two steps of it. */
const inside = (id: string, work: (object: DurableRendezvous, storage: DurableObjectStorage) => void | Promise<void>) =>
  runInDurableObject(stubOf(id), (object, { storage }) => work(object, storage));

/** A waiting party, and the replies that it got. */
function arrive(object: DurableRendezvous, requestId: string, parties = 2) {
  const { entry, outcome } = object.arriveAtBarrier({ parties, requestId, wait: 60_000, waited: 0 });
  const told: ArriveReply[] = [];
  const known = outcome.reply().then((reply) => told.push(reply));
  return { entry, told, known };
}

const alarmOf = (id: string) => runInDurableObject(stubOf(id), (_object, { storage }) => storage.getAlarm());

let start: number;
const setClock = (ms: number) => vi.spyOn(Date, "now").mockReturnValue(start + ms);

beforeEach(() => {
  // Ahead of the clock at which the object started, because the object's clock never goes back.
  start = Date.now() + 60_000;
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe("Storage of a latch or a barrier", () => {
  it("G8: An object with empty storage starts without blockConcurrencyWhile.", async () => {
    await runInDurableObject(stubOf(freshId()), (_object, state) => {
      const block = vi.spyOn(state, "blockConcurrencyWhile");
      void new DurableRendezvous(state, env);
      expect(block).not.toHaveBeenCalled();
    });
  });

  it("G8: The first write sets the alarm a day ahead, and no other write sets it.", async () => {
    const id = freshId();
    await inside(id, async (object, storage) => {
      const set = vi.spyOn(storage, "setAlarm");
      setClock(0);
      await object.countDown(3, 1, "a");
      await object.countDown(3, 1, "b");
      expect(set.mock.calls).toEqual([[start + DAY]]);
    });
  });

  it("G8: After a restart no second alarm is set, but a lost alarm is set again.", async () => {
    const id = freshId();
    await stubOf(id).countDown(9, 1, "a");
    await evictDurableObject(stubOf(id));
    await inside(id, async (object, storage) => {
      const set = vi.spyOn(storage, "setAlarm");
      await object.countDown(9, 1, "b");
      expect(set).not.toHaveBeenCalled();
      await storage.deleteAlarm();
    });
    await evictDurableObject(stubOf(id));
    await stubOf(id).countDown(9, 1, "c");
    expect(await alarmOf(id)).not.toBeNull();
  });

  it("G8: Storage is wiped after it was idle for long enough, not earlier, and can be used again at once.", async () => {
    const id = freshId();
    await inside(id, async (object, storage) => {
      setClock(0);
      await object.countDown(2, 1, "a");
      await storage.deleteAlarm();
      setClock(LIMITS.idle - 1);
      await object.alarm();
      expect(await storage.getAlarm()).toBe(start + LIMITS.idle - 1 + DAY);
      expect(await object.awaitLatch(2, 0)).toMatchObject({ remaining: 1 });
      setClock(LIMITS.idle);
      await object.alarm();
      expect(await storage.getAlarm()).toBeNull();
      expect(await object.awaitLatch(2, 0)).toMatchObject({ remaining: 2 });
      expect(await object.countDown(2, 1, "a")).toMatchObject({ remaining: 1 });
      expect(await storage.getAlarm()).toBe(start + LIMITS.idle + DAY);
    });
  });

  it("G8: Storage is not wiped while a caller waits for the latch or at the barrier.", async () => {
    const id = freshId();
    await inside(id, async (object) => {
      setClock(0);
      await object.countDown(2, 1, "a");
      setClock(DAY);
      const waiting = object.awaitLatch(2, 60_000);
      await object.alarm();
      expect(await object.countDown(2, 1, "b")).toMatchObject({ remaining: 0 });
      expect(await waiting).toMatchObject({ remaining: 0 });
    });
    const other = freshId();
    await inside(other, async (object) => {
      setClock(0);
      arrive(object, "a");
      arrive(object, "b");
      setClock(DAY);
      const alone = arrive(object, "c");
      await object.alarm();
      expect(arrive(object, "a").told).toEqual([]);
      expect(await object.waiting()).toBe(1);
      await object.leave("c");
      await alone.known;
    });
  });

  it("G8: Storage is not wiped while a waiter of the latch is between two long polls.", async () => {
    await inside(freshId(), async (object, storage) => {
      setClock(0);
      await object.countDown(2, 1, "a");
      setClock(DAY);
      const polled = object.awaitLatch(2, 1);
      setClock(DAY + 1);
      expect(await polled).toMatchObject({ remaining: 1 });
      await object.alarm();
      expect(await object.awaitLatch(2, 0)).toMatchObject({ remaining: 1 });
      expect(await storage.getAlarm()).toBe(start + 2 * DAY + 1);
      setClock(DAY + 1 + LIMITS.returnWithin);
      await object.alarm();
      expect(await object.awaitLatch(2, 0)).toMatchObject({ remaining: 2 });
    });
  });

  it("G8: A wipe forgets past generations, so a party that arrives again under its name waits again.", async () => {
    await inside(freshId(), async (object) => {
      setClock(0);
      arrive(object, "a");
      const met = arrive(object, "b");
      await met.known;
      setClock(DAY);
      await object.alarm();
      arrive(object, "a");
      expect(await object.waiting()).toBe(1);
      await object.leave("a");
    });
  });

  it("G8: A wipe that fails is logged and tried again in a day.", async () => {
    await inside(freshId(), async (object, storage) => {
      setClock(0);
      await object.countDown(2, 1, "a");
      await storage.deleteAlarm();
      vi.spyOn(storage, "deleteAll").mockRejectedValueOnce(new Error("storage is down"));
      const logged = vi.spyOn(console, "error").mockImplementation(() => {});
      setClock(DAY);
      await object.alarm();
      expect(logged).toHaveBeenCalledOnce();
      expect(await storage.getAlarm()).toBe(start + 2 * DAY);
    });
  });

  it("G8: If alarm() runs while no alarm is stored, exactly one alarm is set.", async () => {
    const id = freshId();
    await stubOf(id).countDown(9, 1, "a");
    await inside(id, (_object, storage) => storage.deleteAlarm());
    await evictDurableObject(stubOf(id));
    await inside(id, async (object, storage) => {
      const set = vi.spyOn(storage, "setAlarm");
      await object.alarm();
      await object.countDown(9, 1, "b");
      expect(set).toHaveBeenCalledOnce();
    });
  });
});

describe("A party at a barrier", () => {
  it("A party that leaves breaks the barrier for the others, which learn the reason.", async () => {
    await inside(freshId(), async (object) => {
      arrive(object, "a", 3);
      const other = arrive(object, "b", 3);
      expect(await object.leave("a")).toBe(true);
      await other.known;
      expect(other.told).toEqual([{ success: false, reason: "BROKEN", why: "aborted" }]);
    });
  });

  it("A party is present as long as one of its calls is.", async () => {
    await inside(freshId(), async (object) => {
      const calls = [arrive(object, "a"), arrive(object, "a")];
      calls[0]?.entry[Symbol.dispose]();
      expect(await object.waiting()).toBe(1);
      calls[1]?.entry[Symbol.dispose]();
      expect(await object.waiting()).toBe(0);
    });
  });

  it("A party returning from a long poll meets the next arrival, although a third has arrived since.", async () => {
    await inside(freshId(), async (object) => {
      setClock(0);
      const first = arrive(object, "a");
      setClock(25_100);
      const second = arrive(object, "b");
      await first.known;
      expect(first.told).toEqual([{ success: false, reason: "WAITING" }]);
      const third = arrive(object, "c");
      const back = arrive(object, "a");
      await Promise.all([back.known, second.known]);
      expect([back.told, second.told]).toMatchObject([[{ success: true, index: 0 }], [{ success: true, index: 1 }]]);
      expect([await object.waiting(), third.told]).toEqual([1, []]);
      await object.leave("c");
    });
  });

  it("G9: A party has at most a hundred parked calls; one more is told to ask again.", async () => {
    await inside(freshId(), async (object) => {
      for (let n = 0; n < 100; n += 1) arrive(object, "a");
      const more = arrive(object, "a");
      await more.known;
      expect(more.told).toEqual([{ success: false, reason: "WAITING" }]);
      await object.leave("a");
    });
  });

  it("G8: A party that leaves does not leave a timer behind.", async () => {
    await inside(freshId(), async (object) => {
      const { pending, restore } = countTimers();
      try {
        arrive(object, "a");
        expect(pending.size).toBe(1);
        await object.leave("a");
        expect(pending.size).toBe(0);
      } finally {
        restore();
      }
    });
  });
});

describe("A write that fails", () => {
  it("G5: A write that fails is answered with the failure, and the stored state counts.", async () => {
    const id = freshId();
    await stubOf(id).countDown(3, 1, "a");
    const failed = await inside(id, async (object, storage) => {
      vi.spyOn(storage.sql, "exec").mockImplementation(() => {
        throw new Error("the disk is full");
      });
      await object.countDown(3, 1, "b");
    }).then(
      () => "answered",
      () => "failed",
    );
    vi.restoreAllMocks();
    expect(failed).toBe("failed");
    expect(await stubOf(id).awaitLatch(3, 0)).toMatchObject({ remaining: 2 });
  });
});
