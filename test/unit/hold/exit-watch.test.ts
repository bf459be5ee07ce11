import { describe, expect, it, vi } from "vitest";
import type { LeaseEvent, RefusalReply } from "../../../src/core/replies.ts";
import { watchHold, checkExitWatch } from "../../../src/hold/exit-watch.ts";
import { type HoldBounds, holdLease } from "../../../src/hold/held-lease.ts";
import { lossMessage } from "../../../src/hold/loss.ts";
import type { ExitWatch, LockPrimitives } from "../../../src/transport/primitives.ts";
import { fakeTime, pass, silence } from "../../support/fake-time.ts";
import { failureOf, settled, sleep } from "../../support/outcome.ts";
import { scriptedPrimitives } from "../../support/scripted-primitives.ts";
import { afterTurns, sweepTurns } from "../../support/turns.ts";

fakeTime();

const BOUNDS: HoldBounds = {
  ttl: 60_000,
  maxHold: Infinity,
  minHold: 0,
  releaseOnExit: true,
  onReleaseRequested: undefined,
};
const GONE: RefusalReply = { success: false, reason: "NO_LONGER_VALID", ended: "expired" };

type Reported = LeaseEvent | Error;

/** An exit watch that reports its lease events one after the other, and then nothing. */
function exitWatch(...events: Reported[]) {
  const told: boolean[] = [];
  const dispose = vi.fn();
  const next: ExitWatch["next"] = async (known) => {
    told.push(known);
    const item = events.shift();
    if (item instanceof Error) throw item;
    return item ?? silence();
  };
  return { success: true as const, next, [Symbol.dispose]: dispose, told, dispose };
}

/** A hold with exit watches: each setup gets the next answer, and the last answer is repeated. */
function watched(setups: (() => Promise<ExitWatch | RefusalReply>)[], answers: Partial<LockPrimitives> = {}) {
  const onReleaseRequested = vi.fn();
  const { primitives, calls } = scriptedPrimitives({
    watchExit: () => (setups.length > 1 ? setups.shift() : setups[0])?.() as Promise<ExitWatch>,
    renew: () => silence(),
    release: async () => true,
    ...answers,
  });
  const grant = { lease: 7, deadline: 1, validFor: 60_000, validUntil: performance.now() + 60_000 };
  const hold = holdLease(primitives, grant, { ...BOUNDS, onReleaseRequested });
  const watchedAt = () => calls.filter(({ method }) => method === "watchExit").map(({ at }) => at);
  return { hold, watch: () => watchHold(primitives, hold), onReleaseRequested, watchedAt, calls };
}

const giving = (one: ExitWatch | RefusalReply) => async () => one;
const cut = () => new Error("cut");

describe("Transports without an exit watch", () => {
  it("releaseOnExit over a transport without an exit watch is refused before anything is sent.", () => {
    const without = scriptedPrimitives({}).primitives;
    const able = scriptedPrimitives({ watchExit: () => silence() }).primitives;
    expect(() => checkExitWatch(without, BOUNDS)).toThrow(expect.objectContaining({ argument: "releaseOnExit" }));
    expect(() => checkExitWatch(without, { ...BOUNDS, releaseOnExit: false })).not.toThrow();
    expect(() => checkExitWatch(able, BOUNDS)).not.toThrow();
  });
});

describe("Lease events", () => {
  it.each([
    ["expired", "expired"],
    ["superseded", "superseded"],
    ["released", "superseded"],
  ] as const)("G6 The lease event 'ended: %s' is a loss at once, with the reason %s.", async (ended, why) => {
    const one = exitWatch({ ended });
    const { hold, watch } = watched([giving(one)]);
    await watch();
    await pass(0);
    expect(hold.held.signal.reason).toMatchObject({ why, message: lossMessage(why, 7) });
  });

  it("G6 A release request reaches the holder once, and the exit watch does not ask for it again.", async () => {
    const one = exitWatch({}, { releaseRequested: true }, {}, { releaseRequested: true });
    const { watch, onReleaseRequested, hold } = watched([giving(one)]);
    await watch();
    await pass(0);
    expect(one.told).toEqual([false, false, true, true, true]);
    expect(onReleaseRequested).toHaveBeenCalledExactlyOnceWith(hold.held);
    expect(hold.held.signal.aborted).toBe(false);
  });

  it("G6 An empty lease event tells the holder nothing.", async () => {
    const { watch, onReleaseRequested } = watched([giving(exitWatch({}, { releaseRequested: false }))]);
    await watch();
    await pass(0);
    expect(onReleaseRequested).not.toHaveBeenCalled();
  });

  it("G6 A lease event that arrives after the release does not fire the signal.", async () => {
    const { promise, resolve } = Promise.withResolvers<LeaseEvent>();
    const one = { ...exitWatch(), next: () => promise };
    const { hold, watch } = watched([giving(one)]);
    await watch();
    await hold.release();
    resolve({ ended: "superseded" });
    await pass(0);
    expect(hold.held.signal.aborted).toBe(false);
  });
});

describe("Exit watch whose connection breaks", () => {
  it("A broken exit watch is set up again after a moment, and the old one is disposed of only then.", async () => {
    const [first, second] = [exitWatch(cut()), exitWatch()];
    const { watch, watchedAt, hold } = watched([giving(first), giving(second)]);
    await watch();
    await pass(24);
    expect(watchedAt()).toEqual([0]);
    expect(first.dispose).not.toHaveBeenCalled();
    await pass(1);
    expect(watchedAt()).toEqual([0, 25]);
    expect(first.dispose).toHaveBeenCalledOnce();
    expect(second.dispose).not.toHaveBeenCalled();
    expect(second.told).toEqual([false]);
    await hold.release();
    await pass(0);
    expect(second.dispose).toHaveBeenCalledOnce();
    expect(first.dispose).toHaveBeenCalledOnce();
  });

  it("An exit watch that keeps breaking is set up again after growing pauses, which start over once one lasts more than 10 s.", async () => {
    const after = [0, 0, 0, 0, 0, 10_001, 10_000];
    const breaking = async () => {
      const lasts = after.shift() ?? 0;
      const next = async () => {
        if (lasts > 0) await sleep(lasts);
        throw cut();
      };
      return { ...exitWatch(), next };
    };
    const { watch, watchedAt } = watched([breaking]);
    await watch();
    await pass(22_000);
    expect(watchedAt().slice(0, 6)).toEqual([0, 25, 75, 175, 375, 775]);
    // A watch that lasted for more than 10 s starts the pauses over, and one that lasted for exactly 10 s does not.
    expect(watchedAt()[6]).toBe(775 + 10_001 + 25);
    expect(watchedAt()[7]).toBe(10_801 + 10_000 + 50);
  });

  it("An exit watch that has reported a release request says so when it is set up again.", async () => {
    const [first, second] = [exitWatch({ releaseRequested: true }, cut()), exitWatch()];
    const { watch } = watched([giving(first), giving(second)]);
    await watch();
    await pass(25);
    expect(second.told).toEqual([true]);
  });

  it("A broken exit watch that can't be set up again stays until a retry succeeds, and the hold is not lost.", async () => {
    const first = exitWatch(cut(), cut(), cut());
    const third = exitWatch();
    const { watch, hold, watchedAt } = watched([
      giving(first),
      () => Promise.reject(new Error("no idea")),
      giving(third),
    ]);
    await watch();
    await pass(100);
    expect(watchedAt()).toEqual([0, 25, 75]);
    expect(hold.held.signal.aborted).toBe(false);
    expect(first.dispose).toHaveBeenCalledOnce();
    expect(third.told).toEqual([false]);
  });

  it("A refusal to set up a broken exit watch again is a loss, and the message says that the connection was cut.", async () => {
    const first = exitWatch(cut());
    const { watch, hold } = watched([giving(first), giving(GONE)]);
    await watch();
    await pass(25);
    expect(hold.held.signal.reason).toMatchObject({
      why: "expired",
      message: expect.stringContaining("while its connection to the lock was cut"),
    });
    await pass(1_000);
    expect(first.dispose).toHaveBeenCalledOnce();
  });

  it("An exit watch that breaks after the hold has ended is not set up again.", async () => {
    const { promise, reject } = Promise.withResolvers<LeaseEvent>();
    const { watch, hold, watchedAt } = watched([giving({ ...exitWatch(), next: () => promise })]);
    await watch();
    await hold.release();
    reject(cut());
    await pass(60_000);
    expect(watchedAt()).toEqual([0]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("A broken exit watch is not set up again if the hold ends during the pause.", async () => {
    const one = exitWatch(cut());
    const { watch, hold, watchedAt } = watched([giving(one)]);
    await watch();
    await pass(10);
    await hold.release();
    await pass(60_000);
    expect(watchedAt()).toEqual([0]);
    expect(one.dispose).toHaveBeenCalledOnce();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("Lease lost before its exit watch is set up", () => {
  it("G6 A hold is lost if the object answers the request for an exit watch that the lease has ended.", async () => {
    const { watch, hold } = watched([giving(GONE)]);
    await watch();
    expect(hold.held.signal.reason).toMatchObject({ why: "expired", message: lossMessage("expired", 7) });
  });

  it("G6 The end of a hold ends the setup of its exit watch, and a watch that arrives later is disposed of.", async () => {
    const late = exitWatch();
    const { promise, resolve } = Promise.withResolvers<ExitWatch>();
    const { watch, hold } = watched([() => promise]);
    const isWatched = watch();
    await pass(10);
    await hold.release();
    await isWatched;
    expect(late.dispose).not.toHaveBeenCalled();
    resolve(late);
    await pass(0);
    expect(late.dispose).toHaveBeenCalledOnce();
    expect(hold.held.signal.aborted).toBe(false);
  });

  it("G6 An exit watch that arrives in the same turn as the end of its hold is disposed of.", async () => {
    const one = exitWatch();
    const { watch, hold } = watched([
      async () => {
        hold.keepAlive.stop();
        return one;
      },
    ]);
    await watch();
    expect(one.dispose).toHaveBeenCalledOnce();
    expect(one.told).toEqual([]);
  });

  it("G6 A refused exit watch is a loss only if the refusal arrives before the release.", async () => {
    await sweepTurns(async (turns) => {
      let isReleased = false;
      const release = () => {
        if (hold.held.signal.aborted) return;
        isReleased = true;
        hold.keepAlive.stop();
      };
      const { watch, hold } = watched([async () => (afterTurns(turns, release), GONE)]);
      await watch();
      await pass(0);
      expect(hold.held.signal.aborted).toBe(!isReleased);
    });
  });

  it("G6 A refusal of the exit watch after the release is no loss.", async () => {
    const { watch, hold } = watched([
      async () => {
        hold.keepAlive.stop();
        return GONE;
      },
    ]);
    await watch();
    expect(hold.held.signal.aborted).toBe(false);
  });
});

describe("Exit watch that can't be set up", () => {
  it("An error during the setup of an exit watch reaches the caller unchanged.", async () => {
    const { watch, hold } = watched([() => Promise.reject(new Error("no idea"))]);
    expect(await failureOf(watch())).toMatchObject({ message: "no idea" });
    expect(hold.held.signal.aborted).toBe(false);
  });

  it("An exit watch that is not set up within 5 s is an outage, and a watch that arrives later is disposed of.", async () => {
    const late = exitWatch();
    const { promise, resolve } = Promise.withResolvers<ExitWatch>();
    const { watch } = watched([() => promise]);
    const failed = failureOf(watch());
    await pass(4_999);
    expect(await settled(failed)).toBe("parked");
    await pass(1);
    expect(await failed).toMatchObject({ code: "UNREACHABLE" });
    resolve(late);
    await pass(0);
    expect(late.dispose).toHaveBeenCalledOnce();
  });
});

describe("End of a hold with an exit watch", () => {
  it("The exit watch is disposed of only after the release is answered, because an earlier disposal looks like a crash.", async () => {
    const one = exitWatch();
    const { promise, resolve } = Promise.withResolvers<true>();
    const { watch, hold } = watched([giving(one)], { release: () => promise });
    await watch();
    const released = hold.release();
    await pass(100);
    expect(one.dispose).not.toHaveBeenCalled();
    resolve(true);
    expect(await released).toBe(true);
    await pass(0);
    expect(one.dispose).toHaveBeenCalledOnce();
    expect(one.told).toEqual([false]);
  });

  it("The exit watch is disposed of even if the release fails.", async () => {
    const one = exitWatch();
    const { watch, hold } = watched([giving(one)], { release: () => Promise.reject(new Error("broken")) });
    await watch();
    await failureOf(hold.release());
    await pass(0);
    expect(one.dispose).toHaveBeenCalledOnce();
  });

  it("After a loss the exit watch is disposed of when the object reports that the lease has ended too.", async () => {
    const { promise, resolve } = Promise.withResolvers<LeaseEvent>();
    const one = { ...exitWatch(), next: vi.fn(() => promise) };
    const { watch, hold } = watched([giving(one)]);
    await watch();
    hold.keepAlive.lose("unreachable", "lost");
    await pass(500);
    expect(one.next).toHaveBeenLastCalledWith(true);
    expect(one.dispose).not.toHaveBeenCalled();
    resolve({ ended: "expired" });
    await pass(0);
    expect(one.dispose).toHaveBeenCalledOnce();
  });

  it("After a loss the exit watch is disposed of after at most 1 s, in which the work can stop.", async () => {
    const one = exitWatch();
    const { watch, hold } = watched([giving(one)]);
    await watch();
    hold.keepAlive.lose("unreachable", "lost");
    await pass(999);
    expect(one.told).toEqual([false, true]);
    expect(one.dispose).not.toHaveBeenCalled();
    await pass(1);
    expect(one.dispose).toHaveBeenCalledOnce();
  });

  it("After a loss the exit watch is disposed of at once if its connection breaks.", async () => {
    const told: boolean[] = [];
    const one = exitWatch();
    const next: ExitWatch["next"] = (known) => (told.push(known), known ? Promise.reject(cut()) : silence());
    const { watch, hold } = watched([giving({ ...one, next })]);
    await watch();
    hold.keepAlive.lose("unreachable", "lost");
    await pass(0);
    expect(told).toEqual([false, true]);
    expect(one.dispose).toHaveBeenCalledOnce();
  });
});
