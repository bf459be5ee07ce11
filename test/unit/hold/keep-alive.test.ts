import { describe, expect, it, vi } from "vitest";
import { LockError } from "../../../src/errors.ts";
import { type Renew, type Renewal, KeepAlive } from "../../../src/hold/keep-alive.ts";
import { lossMessage } from "../../../src/hold/loss.ts";
import { fakeTime, pass, silence } from "../../support/fake-time.ts";
import { failureOf, sleep } from "../../support/outcome.ts";

fakeTime();

type Answer = Renew;

/** A lease that is kept from now on; `asked` is when it was renewed, and for how long. */
function keep(ttl: number, answer: Answer, { maxHold = Infinity, releaseRequested = false } = {}) {
  const since = performance.now();
  const asked: { at: number; ttl: number }[] = [];
  const onReleaseRequested = vi.fn();
  const keepAlive = new KeepAlive(
    { lease: 7, ttl, holdUntil: since + maxHold, onReleaseRequested },
    { deadline: 1, validFor: ttl, validUntil: since + ttl, ...(releaseRequested && { releaseRequested }) },
    (renewed, ...rest) => {
      asked.push({ at: performance.now() - since, ttl: renewed });
      return answer(renewed, ...rest);
    },
  );
  const lostAfter = async (ms: number) => {
    await pass(ms - 1 - (performance.now() - since));
    const before = keepAlive.signal.aborted;
    await pass(1);
    return { before, after: keepAlive.signal.aborted };
  };
  return { keepAlive, asked, onReleaseRequested, lostAfter };
}

const confirmed: Answer = async (ttl) => ({ deadline: 2, validFor: ttl, validUntil: performance.now() + ttl });
const never: Answer = () => silence();
const broken: Answer = () => Promise.reject(new Error("broken"));
const IN_TIME = { before: false, after: true };

const LIFETIME = { lease: 7, ttl: 60_000, holdUntil: Number.POSITIVE_INFINITY, onReleaseRequested: () => {} };

/** Counted from now. */
const validFor = (ms: number) => ({ validFor: ms, validUntil: performance.now() + ms });

/** A lease whose renewals are answered by hand. */
function kept(): { keepAlive: KeepAlive; answer: (renewal: Renewal) => void; deny: (error: Error) => void } {
  const { promise, resolve, reject } = Promise.withResolvers<Renewal>();
  const validity = { deadline: 1, ...validFor(60_000) };
  return { keepAlive: new KeepAlive(LIFETIME, validity, () => promise), answer: resolve, deny: reject };
}

describe("G3 G6 the answer to a renewal", () => {
  it("that comes in the same turn as the end of the hold changes nothing", async () => {
    const { keepAlive, answer } = kept();
    const renewing = keepAlive.renewNow(60_000);
    await Promise.resolve();
    answer({ deadline: 2, ...validFor(60_000) });
    keepAlive.stop();
    await renewing;
    expect(keepAlive.deadline).toBe(1);
  });

  it("that comes after a loss revives nothing", async () => {
    const { keepAlive, answer } = kept();
    const renewing = keepAlive.renewNow(60_000);
    await Promise.resolve();
    keepAlive.lose("superseded", "taken away");
    const { reason } = keepAlive.signal;
    answer({ deadline: 2, ...validFor(60_000) });
    await renewing;
    expect(keepAlive.deadline).toBe(1);
    expect(keepAlive.signal.reason).toBe(reason);
  });

  it("that says lost after the end of the hold fires no signal", async () => {
    const { keepAlive, answer } = kept();
    const renewing = keepAlive.renewNow(60_000);
    await Promise.resolve();
    keepAlive.stop();
    answer({ lost: "expired" });
    await renewing;
    expect(keepAlive.signal.aborted).toBe(false);
  });

  it("that is a fault is no loss, and is told to the caller that asked", async () => {
    const { keepAlive, deny } = kept();
    const renewing = keepAlive.renewNow(60_000);
    deny(new Error("no idea"));
    await expect(renewing).rejects.toThrow("no idea");
    expect(keepAlive.isLost()).toBe(false);
    keepAlive.stop();
  });
});

describe("G6 the time that remains", () => {
  it("ends with the local deadline, grows with a renewal that is confirmed, and is nothing once the hold is over", async () => {
    const { keepAlive, answer } = kept();
    // A margin of 2 % of the time that is counted, at least.
    expect(keepAlive.remaining()).toBeLessThanOrEqual(58_800);
    expect(keepAlive.remaining()).toBeGreaterThan(30_000);
    const renewing = keepAlive.renewNow(60_000);
    answer({ deadline: 2, ...validFor(120_000) });
    await renewing;
    expect(keepAlive.remaining()).toBeGreaterThan(90_000);
    keepAlive.stop();
    expect(keepAlive.remaining()).toBe(0);
  });
});

describe("G6 a lease is renewed", () => {
  it.each([
    [0, 9_000],
    [0.5, 10_000],
    [1, 11_000],
  ])("at a third of its ttl, give or take a tenth (chance %d)", async (chance, at) => {
    vi.mocked(Math.random).mockReturnValue(chance);
    const { keepAlive, asked } = keep(30_000, confirmed);
    await pass(2 * at);
    expect(asked).toEqual([
      { at, ttl: 30_000 },
      { at: 2 * at, ttl: 30_000 },
    ]);
    expect(keepAlive.deadline).toBe(2);
    keepAlive.stop();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("no more often than every 10 ms, however short it is", async () => {
    const { asked } = keep(9, async () => ({ deadline: 2, validFor: 1_000, validUntil: performance.now() + 1_000 }));
    await pass(8);
    expect(asked).toEqual([]);
    const { asked: later } = keep(12, async () => ({
      deadline: 2,
      validFor: 900,
      validUntil: performance.now() + 900,
    }));
    await pass(10);
    expect(later.map(({ at }) => at)).toEqual([10]);
  });

  it("again after a renewal that failed, counted from when that began", async () => {
    const { asked } = keep(30_000, async () => {
      await sleep(4_000);
      throw new Error("broken");
    });
    await pass(28_000);
    expect(asked.map(({ at }) => at)).toEqual([10_000, 20_000]);
  });

  it("never twice at once: who asks for it waits for the one under way", async () => {
    let underWay = 0;
    const { keepAlive, asked } = keep(30_000, async (ttl) => {
      underWay += 1;
      await sleep(500);
      expect(underWay).toBe(1);
      underWay -= 1;
      return { deadline: 2, validFor: ttl, validUntil: performance.now() + ttl };
    });
    const renewed = [keepAlive.renewNow(undefined), keepAlive.settled()];
    await pass(100);
    renewed.push(keepAlive.renewNow(60_000), keepAlive.settled());
    await pass(10_900);
    await Promise.all(renewed);
    expect(asked).toEqual([
      { at: 0, ttl: 30_000 },
      { at: 500, ttl: 60_000 },
    ]);
    // And from then on with the new one.
    await pass(10_000);
    expect(asked[2]).toEqual({ at: 21_000, ttl: 60_000 });
    keepAlive.stop();
  });

  it("never twice at once: its time that comes while one is under way is that one's", async () => {
    const { keepAlive, asked } = keep(30_000, async (ttl) => {
      await sleep(500);
      return { deadline: 2, validFor: ttl, validUntil: performance.now() + ttl };
    });
    await pass(9_900);
    void keepAlive.renewNow(undefined);
    await pass(10_000);
    expect(asked.map(({ at }) => at)).toEqual([9_900]);
    keepAlive.stop();
  });

  it("and looked after by two timers, however long it lasts", async () => {
    const set = vi.spyOn(globalThis, "setTimeout");
    keep(600_000, never);
    await pass(100_000);
    expect(set.mock.calls.map(([, ms]) => ms)).toEqual([588_000, 200_000]);
  });

  it("no more once it is stopped: a caller that asks is told", async () => {
    const { keepAlive, asked } = keep(30_000, confirmed);
    keepAlive.stop();
    expect(keepAlive.over.aborted).toBe(true);
    expect(keepAlive.signal.aborted).toBe(false);
    expect(await failureOf(keepAlive.renewNow(undefined))).toMatchObject({ name: "AbortError" });
    await pass(60_000);
    expect(asked).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("and a failure that comes after the end sets no timer", async () => {
    const { keepAlive } = keep(30_000, async (_ttl, signal) => {
      await sleep(1_000);
      expect(signal.aborted).toBe(true);
      throw new Error("broken");
    });
    await pass(10_000);
    keepAlive.stop();
    await pass(1_000);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("G6 without an answer a lease is lost", () => {
  it.each([
    [1_000, 900],
    [5_000, 4_500],
    [10_000, 9_000],
    [30_000, 29_000],
    [60_000, 58_800],
    [600_000, 588_000],
  ])("of %d ms after %d: in time for the work to stop, and for clocks that differ", async (ttl, after) => {
    const { keepAlive, lostAfter } = keep(ttl, never);
    expect(keepAlive.remaining()).toBe(after);
    expect(await lostAfter(after)).toEqual(IN_TIME);
    expect(keepAlive.signal.reason).toMatchObject({
      code: "LEASE_LOST",
      why: "unreachable",
      lease: 7,
      message: lossMessage("unreachable", 7),
    });
    expect(keepAlive.remaining()).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("though its renewals fail, again and again", async () => {
    const { asked, lostAfter } = keep(30_000, broken);
    expect(await lostAfter(29_000)).toEqual(IN_TIME);
    expect(asked.map(({ at }) => at)).toEqual([10_000, 20_000]);
  });

  it("by a look at the clock also if no timer could run, from that instant on", () => {
    const since = performance.now();
    const { keepAlive } = keep(30_000, never);
    const now = vi.spyOn(performance, "now").mockReturnValue(since + 28_999);
    expect(keepAlive.isLost()).toBe(false);
    now.mockReturnValue(since + 29_000);
    expect(keepAlive.isLost()).toBe(true);
    expect(keepAlive.isLost()).toBe(true);
  });

  it("by its timer only when it is due: one that fires early is set again", async () => {
    const since = performance.now();
    const { keepAlive } = keep(30_000, never);
    const now = vi.spyOn(performance, "now").mockReturnValue(since + 28_990);
    await pass(29_000);
    expect(keepAlive.signal.aborted).toBe(false);
    now.mockReturnValue(since + 29_000);
    await pass(10);
    expect(keepAlive.signal.aborted).toBe(true);
  });

  it("but not one that was given back before", () => {
    const since = performance.now();
    const { keepAlive } = keep(30_000, never);
    keepAlive.stop();
    expect(keepAlive.remaining()).toBe(0);
    vi.spyOn(performance, "now").mockReturnValue(since + 60_000);
    expect(keepAlive.isLost()).toBe(false);
  });
});

describe("G6 what is confirmed", () => {
  it("moves the local deadline", async () => {
    const answers = [confirmed];
    const { keepAlive, lostAfter } = keep(30_000, (...args) => (answers.shift() ?? never)(...args));
    await pass(10_000);
    expect(keepAlive.remaining()).toBe(29_000);
    expect(await lostAfter(39_000)).toEqual(IN_TIME);
  });

  it("as lost is lost at once", async () => {
    const { keepAlive } = keep(30_000, async () => ({ lost: "expired" }));
    await keepAlive.renewNow(undefined);
    expect(keepAlive.signal.reason).toMatchObject({ why: "expired", message: lossMessage("expired", 7) });
    expect(keepAlive.over.aborted).toBe(true);
  });

  it("and the first loss is the one that is told", () => {
    const { keepAlive } = keep(30_000, never);
    keepAlive.lose("superseded", "first");
    keepAlive.lose("expired", "second");
    expect(keepAlive.signal.reason).toMatchObject({ message: "first" });
  });

  it("with the wish that it be released tells so, whether granted or renewed", async () => {
    expect(keep(30_000, never, { releaseRequested: true }).onReleaseRequested).toHaveBeenCalledOnce();
    const { keepAlive, onReleaseRequested } = keep(30_000, async (ttl) => ({
      deadline: 2,
      validFor: ttl,
      validUntil: performance.now() + ttl,
      releaseRequested: true,
    }));
    expect(onReleaseRequested).not.toHaveBeenCalled();
    await keepAlive.renewNow(undefined);
    expect(onReleaseRequested).toHaveBeenCalledOnce();
  });
});

describe("G6 a renewal that shortens a lease", () => {
  it("shortens it from when it left, with a margin of its own", async () => {
    const { keepAlive, lostAfter } = keep(60_000, never);
    void keepAlive.renewNow(1_000).catch(() => {});
    await Promise.resolve();
    expect(keepAlive.remaining()).toBe(900);
    expect(await lostAfter(900)).toEqual(IN_TIME);
  });

  it("and was not answered may come after the next: that is believed for as much less", async () => {
    const answers = [broken, confirmed];
    const { keepAlive, asked } = keep(60_000, (...args) => (answers.shift() ?? never)(...args));
    await failureOf(keepAlive.renewNow(30_000));
    await keepAlive.renewNow(60_000);
    expect(keepAlive.remaining()).toBe(28_800);
    // It is renewed as the shorter one has to be, for as long as it may come.
    await pass(10_000);
    expect(asked.map(({ at }) => at)).toEqual([0, 0, 10_000]);
  });

  it("and was answered leaves no doubt", async () => {
    const { keepAlive } = keep(60_000, confirmed);
    await keepAlive.renewNow(30_000);
    await keepAlive.renewNow(60_000);
    expect(keepAlive.remaining()).toBe(58_800);
  });

  it("that is longer than one in doubt settles nothing", async () => {
    const answers = [broken, confirmed, confirmed];
    const { keepAlive } = keep(60_000, (...args) => (answers.shift() ?? never)(...args));
    await failureOf(keepAlive.renewNow(20_000));
    await keepAlive.renewNow(40_000);
    expect(keepAlive.remaining()).toBe(19_000);
    await keepAlive.renewNow(60_000);
    expect(keepAlive.remaining()).toBe(18_800);
  });
});

describe("G6 a hold of limited length", () => {
  it("is renewed for what is left of it, in whole milliseconds, and lost when it is over", async () => {
    const { keepAlive, asked, lostAfter } = keep(30_000, confirmed, { maxHold: 45_000.5 });
    expect(await lostAfter(44_000)).toEqual(IN_TIME);
    expect(asked).toEqual([
      { at: 10_000, ttl: 30_000 },
      { at: 20_000, ttl: 25_000 },
    ]);
    expect(keepAlive.signal.reason).toMatchObject({
      why: "expired",
      message: "Lease 7 reached maxHold. Raise maxHold, or do less under one lock.",
    });
  });

  it.each([
    [29_500, 29_000],
    [20_000, 20_000],
  ])("of %d ms that its first lease covers is not renewed at all", async (maxHold, lost) => {
    const { asked, lostAfter } = keep(30_000, confirmed, { maxHold });
    expect(await lostAfter(lost)).toEqual(IN_TIME);
    expect(asked).toEqual([]);
  });

  it("that is short has the margin of what it is, and not of its ttl", () => {
    const since = performance.now();
    const keepAlive = new KeepAlive(
      { lease: 7, ttl: 30_000, holdUntil: since + 2_000, onReleaseRequested: () => {} },
      { deadline: 1, validFor: 2_000, validUntil: since + 2_000 },
      never,
    );
    expect(keepAlive.remaining()).toBe(1_800);
    keepAlive.stop();
  });

  it("whose lease lacks two milliseconds of it is as long as it may be, and one that lacks more is not", async () => {
    const enough = keep(30_000, confirmed, { maxHold: 30_002 });
    const tooShort = keep(30_000, confirmed, { maxHold: 30_003 });
    await pass(10_001);
    expect(enough.asked).toEqual([]);
    expect(tooShort.asked).toEqual([{ at: 10_000, ttl: 20_003 }]);
  });

  it("that is asked for when it is all but over is renewed for a millisecond", async () => {
    const { keepAlive, asked } = keep(30_000, never, { maxHold: 10_000.5 });
    await pass(8_990);
    vi.spyOn(performance, "now").mockReturnValue(performance.now() + 1_010.2);
    void keepAlive.renewNow(undefined).catch(() => {});
    await Promise.resolve();
    expect(asked[0]?.ttl).toBe(1);
  });
});

describe("G6 clocks that run at different rates, each off by 1 %", () => {
  const isToldInTime = (ttl: number, waited: number) => {
    const validity = { deadline: 1, ...validFor(waited + ttl) };
    const since = performance.now();
    const keepAlive = new KeepAlive({ ...LIFETIME, ttl }, validity, () => new Promise(() => {}));
    const now = vi.spyOn(performance, "now");
    const isLostAfter = (ms: number) => (now.mockReturnValue(since + ms), keepAlive.isLost());
    // By the object's clock, the faster one, the lease is over when so much has passed by the client's.
    const over = ((waited + ttl) * 0.99) / 1.01;
    const isLost = isLostAfter(over);
    keepAlive.stop();
    now.mockRestore();
    return isLost;
  };

  it("a lease of a day is lost in time", () => {
    expect(isToldInTime(86_400_000, 0)).toBe(true);
  });

  it("a short lease that was waited for for long is lost in time", () => {
    expect(isToldInTime(100, 25_000)).toBe(true);
  });
});

describe("G11 a lease whose renewals fail until its time is over", () => {
  it("is lost with what the last renewal said", async () => {
    const faults = [new Error("the first"), new Error("The lock service refused access.")];
    const last = faults[1];
    const { keepAlive } = keep(30_000, () => Promise.reject(faults.shift() ?? new Error("more than two")));
    await pass(29_000);
    expect(keepAlive.signal.reason).toMatchObject({
      why: "unreachable",
      cause: last,
      message: expect.stringContaining("The last one failed: The lock service refused access. Stop writing"),
    });
  });

  it("is lost with the outage itself if nothing came back at all", async () => {
    const outage = new LockError("UNREACHABLE", "The object did not answer within 5000 ms.");
    const { keepAlive } = keep(30_000, () => Promise.reject(outage));
    await pass(29_000);
    expect(keepAlive.signal.reason).toMatchObject({ why: "unreachable", cause: outage });
  });

  it("is lost with the last fault of a renewal that is still under way", async () => {
    const fault = new Error("connect ECONNREFUSED");
    const answer: Answer = (_ttl, _signal, onFault) => (onFault(fault), silence());
    const { keepAlive } = keep(30_000, answer);
    await pass(29_000);
    expect(keepAlive.signal.reason).toMatchObject({ why: "unreachable", cause: fault });
  });

  it("is lost without a fault that a later renewal has refuted", async () => {
    const answers: Answer[] = [broken, confirmed];
    const { keepAlive } = keep(30_000, (...args) => (answers.shift() ?? never)(...args));
    await pass(60_000);
    expect(keepAlive.signal.reason).toMatchObject({ why: "unreachable", message: lossMessage("unreachable", 7) });
    expect(Object.hasOwn(keepAlive.signal.reason as object, "cause")).toBe(false);
  });
});

describe("what a loss says", () => {
  it("and what to do next", () => {
    expect(lossMessage("unreachable", 7)).toContain("no renewal was confirmed in time. Stop writing");
    expect(lossMessage("expired", 7)).toContain("expired before it was renewed. Stop writing");
    expect(lossMessage("superseded", 7)).toContain("somebody else ended it. Stop writing");
  });
});
