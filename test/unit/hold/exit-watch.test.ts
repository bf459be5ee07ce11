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

type News = LeaseEvent | Error;

/** A binding that tells its news one after the other, and then nothing. */
function binding(...news: News[]) {
  const told: boolean[] = [];
  const dispose = vi.fn();
  const next: ExitWatch["next"] = async (known) => {
    told.push(known);
    const item = news.shift();
    if (item instanceof Error) throw item;
    return item ?? silence();
  };
  return { success: true as const, next, [Symbol.dispose]: dispose, told, dispose };
}

/** A bound hold whose calls to bind are answered in turn, the last again and again. */
function bound(binds: (() => Promise<ExitWatch | RefusalReply>)[], answers: Partial<LockPrimitives> = {}) {
  const onReleaseRequested = vi.fn();
  const { primitives, calls } = scriptedPrimitives({
    watchExit: () => (binds.length > 1 ? binds.shift() : binds[0])?.() as Promise<ExitWatch>,
    renew: () => silence(),
    release: async () => true,
    ...answers,
  });
  const grant = { lease: 7, deadline: 1, validFor: 60_000, validUntil: performance.now() + 60_000 };
  const kept = holdLease(primitives, grant, { ...BOUNDS, onReleaseRequested });
  const boundAt = () => calls.filter(({ method }) => method === "watchExit").map(({ at }) => at);
  return { kept, bind: () => watchHold(primitives, kept), onReleaseRequested, boundAt, calls };
}

const giving = (one: ExitWatch | RefusalReply) => async () => one;
const cut = () => new Error("cut");

describe("crash release needs a transport that can bind", () => {
  it("and is refused without, before anything is taken", () => {
    const without = scriptedPrimitives({}).primitives;
    const able = scriptedPrimitives({ watchExit: () => silence() }).primitives;
    expect(() => checkExitWatch(without, BOUNDS)).toThrow(expect.objectContaining({ argument: "releaseOnExit" }));
    expect(() => checkExitWatch(without, { ...BOUNDS, releaseOnExit: false })).not.toThrow();
    expect(() => checkExitWatch(able, BOUNDS)).not.toThrow();
  });
});

describe("G6 the news of a bound lease", () => {
  it.each([
    ["expired", "expired"],
    ["superseded", "superseded"],
    ["released", "superseded"],
  ] as const)("that it has %s is a loss at once: %s", async (ended, why) => {
    const one = binding({ ended });
    const { kept, bind } = bound([giving(one)]);
    await bind();
    await pass(0);
    expect(kept.held.signal.reason).toMatchObject({ why, message: lossMessage(why, 7) });
  });

  it("that it is asked for is told once, and asked about no more", async () => {
    const one = binding({}, { releaseRequested: true }, {}, { releaseRequested: true });
    const { bind, onReleaseRequested, kept } = bound([giving(one)]);
    await bind();
    await pass(0);
    expect(one.told).toEqual([false, false, true, true, true]);
    expect(onReleaseRequested).toHaveBeenCalledExactlyOnceWith(kept.held);
    expect(kept.held.signal.aborted).toBe(false);
  });

  it("that is no news is none", async () => {
    const { bind, onReleaseRequested } = bound([giving(binding({}, { releaseRequested: false }))]);
    await bind();
    await pass(0);
    expect(onReleaseRequested).not.toHaveBeenCalled();
  });

  it("that comes after the hold is over is not heard", async () => {
    const { promise, resolve } = Promise.withResolvers<LeaseEvent>();
    const one = { ...binding(), next: () => promise };
    const { kept, bind } = bound([giving(one)]);
    await bind();
    await kept.release();
    resolve({ ended: "superseded" });
    await pass(0);
    expect(kept.held.signal.aborted).toBe(false);
  });
});

describe("a binding whose connection breaks", () => {
  it("is made again after a moment, and the old one let go of only then", async () => {
    const [first, second] = [binding(cut()), binding()];
    const { bind, boundAt, kept } = bound([giving(first), giving(second)]);
    await bind();
    await pass(24);
    expect(boundAt()).toEqual([0]);
    expect(first.dispose).not.toHaveBeenCalled();
    await pass(1);
    expect(boundAt()).toEqual([0, 25]);
    expect(first.dispose).toHaveBeenCalledOnce();
    expect(second.dispose).not.toHaveBeenCalled();
    expect(second.told).toEqual([false]);
    await kept.release();
    await pass(0);
    expect(second.dispose).toHaveBeenCalledOnce();
    expect(first.dispose).toHaveBeenCalledOnce();
  });

  it("again and again is made again at growing distances; one that lasted is made again as the first", async () => {
    const after = [0, 0, 0, 0, 0, 10_001, 10_000];
    const breaking = async () => {
      const lasts = after.shift() ?? 0;
      const next = async () => {
        if (lasts > 0) await sleep(lasts);
        throw cut();
      };
      return { ...binding(), next };
    };
    const { bind, boundAt } = bound([breaking]);
    await bind();
    await pass(22_000);
    expect(boundAt().slice(0, 6)).toEqual([0, 25, 75, 175, 375, 775]);
    // One that lasted for more than ten seconds is the first of its row again, and one that lasted for ten is not.
    expect(boundAt()[6]).toBe(775 + 10_001 + 25);
    expect(boundAt()[7]).toBe(10_801 + 10_000 + 50);
  });

  it("and that has been told tells so when it is made again", async () => {
    const [first, second] = [binding({ releaseRequested: true }, cut()), binding()];
    const { bind } = bound([giving(first), giving(second)]);
    await bind();
    await pass(25);
    expect(second.told).toEqual([true]);
  });

  it("and can't be made again is kept, and tried again: that is no loss", async () => {
    const first = binding(cut(), cut(), cut());
    const third = binding();
    const { bind, kept, boundAt } = bound([giving(first), () => Promise.reject(new Error("no idea")), giving(third)]);
    await bind();
    await pass(100);
    expect(boundAt()).toEqual([0, 25, 75]);
    expect(kept.held.signal.aborted).toBe(false);
    expect(first.dispose).toHaveBeenCalledOnce();
    expect(third.told).toEqual([false]);
  });

  it("and is refused the second time is a loss, which says that the connection was cut", async () => {
    const first = binding(cut());
    const { bind, kept } = bound([giving(first), giving(GONE)]);
    await bind();
    await pass(25);
    expect(kept.held.signal.reason).toMatchObject({
      why: "expired",
      message: expect.stringContaining("while its connection to the lock was cut"),
    });
    await pass(1_000);
    expect(first.dispose).toHaveBeenCalledOnce();
  });

  it("when the hold has ended is not made again", async () => {
    const { promise, reject } = Promise.withResolvers<LeaseEvent>();
    const { bind, kept, boundAt } = bound([giving({ ...binding(), next: () => promise })]);
    await bind();
    await kept.release();
    reject(cut());
    await pass(60_000);
    expect(boundAt()).toEqual([0]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is not made again if the hold ends while it waits to be", async () => {
    const one = binding(cut());
    const { bind, kept, boundAt } = bound([giving(one)]);
    await bind();
    await pass(10);
    await kept.release();
    await pass(60_000);
    expect(boundAt()).toEqual([0]);
    expect(one.dispose).toHaveBeenCalledOnce();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("G6 a lease that is lost before it is bound", () => {
  it("is a loss if the object says so", async () => {
    const { bind, kept } = bound([giving(GONE)]);
    await bind();
    expect(kept.held.signal.reason).toMatchObject({ why: "expired", message: lossMessage("expired", 7) });
  });

  it("is bound no more if its hold is over; what comes then is let go of", async () => {
    const late = binding();
    const { promise, resolve } = Promise.withResolvers<ExitWatch>();
    const { bind, kept } = bound([() => promise]);
    const isBound = bind();
    await pass(10);
    await kept.release();
    await isBound;
    expect(late.dispose).not.toHaveBeenCalled();
    resolve(late);
    await pass(0);
    expect(late.dispose).toHaveBeenCalledOnce();
    expect(kept.held.signal.aborted).toBe(false);
  });

  it("and what came in the same turn as the end of its hold is let go of", async () => {
    const one = binding();
    const { bind, kept } = bound([
      async () => {
        kept.keepAlive.stop();
        return one;
      },
    ]);
    await bind();
    expect(one.dispose).toHaveBeenCalledOnce();
    expect(one.told).toEqual([]);
  });

  it("refused while its hold is being released is no loss, whichever comes first", async () => {
    await sweepTurns(async (turns) => {
      let isReleased = false;
      const release = () => {
        if (kept.held.signal.aborted) return;
        isReleased = true;
        kept.keepAlive.stop();
      };
      const { bind, kept } = bound([async () => (afterTurns(turns, release), GONE)]);
      await bind();
      await pass(0);
      expect(kept.held.signal.aborted).toBe(!isReleased);
    });
  });

  it("refused after its hold was released is no loss", async () => {
    const { bind, kept } = bound([
      async () => {
        kept.keepAlive.stop();
        return GONE;
      },
    ]);
    await bind();
    expect(kept.held.signal.aborted).toBe(false);
  });
});

describe("a binding that can't be had", () => {
  it("is the error that it is", async () => {
    const { bind, kept } = bound([() => Promise.reject(new Error("no idea"))]);
    expect(await failureOf(bind())).toMatchObject({ message: "no idea" });
    expect(kept.held.signal.aborted).toBe(false);
  });

  it("in five seconds is an outage; what comes then is let go of", async () => {
    const late = binding();
    const { promise, resolve } = Promise.withResolvers<ExitWatch>();
    const { bind } = bound([() => promise]);
    const failed = failureOf(bind());
    await pass(4_999);
    expect(await settled(failed)).toBe("parked");
    await pass(1);
    expect(await failed).toMatchObject({ code: "UNREACHABLE" });
    resolve(late);
    await pass(0);
    expect(late.dispose).toHaveBeenCalledOnce();
  });
});

describe("the end of a bound hold", () => {
  it("is told before the binding is let go of, which would look like a death", async () => {
    const one = binding();
    const { promise, resolve } = Promise.withResolvers<true>();
    const { bind, kept } = bound([giving(one)], { release: () => promise });
    await bind();
    const released = kept.release();
    await pass(100);
    expect(one.dispose).not.toHaveBeenCalled();
    resolve(true);
    expect(await released).toBe(true);
    await pass(0);
    expect(one.dispose).toHaveBeenCalledOnce();
    expect(one.told).toEqual([false]);
  });

  it("that could not be told still lets go of it", async () => {
    const one = binding();
    const { bind, kept } = bound([giving(one)], { release: () => Promise.reject(new Error("broken")) });
    await bind();
    await failureOf(kept.release());
    await pass(0);
    expect(one.dispose).toHaveBeenCalledOnce();
  });

  it("by a loss lets go of it when the object has ended the lease too", async () => {
    const { promise, resolve } = Promise.withResolvers<LeaseEvent>();
    const one = { ...binding(), next: vi.fn(() => promise) };
    const { bind, kept } = bound([giving(one)]);
    await bind();
    kept.keepAlive.lose("unreachable", "lost");
    await pass(500);
    expect(one.next).toHaveBeenLastCalledWith(true);
    expect(one.dispose).not.toHaveBeenCalled();
    resolve({ ended: "expired" });
    await pass(0);
    expect(one.dispose).toHaveBeenCalledOnce();
  });

  it("by a loss lets go of it after a second at most, in which the work can stop", async () => {
    const one = binding();
    const { bind, kept } = bound([giving(one)]);
    await bind();
    kept.keepAlive.lose("unreachable", "lost");
    await pass(999);
    expect(one.told).toEqual([false, true]);
    expect(one.dispose).not.toHaveBeenCalled();
    await pass(1);
    expect(one.dispose).toHaveBeenCalledOnce();
  });

  it("by a loss lets go of it at once if it is cut", async () => {
    const told: boolean[] = [];
    const one = binding();
    const next: ExitWatch["next"] = (known) => (told.push(known), known ? Promise.reject(cut()) : silence());
    const { bind, kept } = bound([giving({ ...one, next })]);
    await bind();
    kept.keepAlive.lose("unreachable", "lost");
    await pass(0);
    expect(told).toEqual([false, true]);
    expect(one.dispose).toHaveBeenCalledOnce();
  });
});
