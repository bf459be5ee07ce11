import { describe, expect, it, vi } from "vitest";
import { LockError } from "../../../src/errors.ts";
import { type Renew, type Renewal, KeepAlive } from "../../../src/hold/keep-alive.ts";
import { lossMessage } from "../../../src/hold/loss.ts";
import { fakeTime, pass, silence } from "../../support/fake-time.ts";
import { failureOf, sleep } from "../../support/outcome.ts";

fakeTime();

type Answer = Renew;

/** Keeps a lease alive from now on; `asked` is when it was renewed, and for how long. */
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
function renewedByHand(): { keepAlive: KeepAlive; answer: (renewal: Renewal) => void; deny: (error: Error) => void } {
  const { promise, resolve, reject } = Promise.withResolvers<Renewal>();
  const validity = { deadline: 1, ...validFor(60_000) };
  return { keepAlive: new KeepAlive(LIFETIME, validity, () => promise), answer: resolve, deny: reject };
}

describe("Answer to a renewal", () => {
  it("G3 G6 An answer to a renewal in the same turn as the end of the hold changes nothing.", async () => {
    const { keepAlive, answer } = renewedByHand();
    const renewing = keepAlive.renewNow(60_000);
    await Promise.resolve();
    answer({ deadline: 2, ...validFor(60_000) });
    keepAlive.stop();
    await renewing;
    expect(keepAlive.deadline).toBe(1);
  });

  it("G3 G6 An answer to a renewal after a loss does not revive the lease.", async () => {
    const { keepAlive, answer } = renewedByHand();
    const renewing = keepAlive.renewNow(60_000);
    await Promise.resolve();
    keepAlive.lose("superseded", "taken away");
    const { reason } = keepAlive.signal;
    answer({ deadline: 2, ...validFor(60_000) });
    await renewing;
    expect(keepAlive.deadline).toBe(1);
    expect(keepAlive.signal.reason).toBe(reason);
  });

  it("G3 G6 A loss that a renewal reports after the end of the hold does not fire the signal.", async () => {
    const { keepAlive, answer } = renewedByHand();
    const renewing = keepAlive.renewNow(60_000);
    await Promise.resolve();
    keepAlive.stop();
    answer({ lost: "expired" });
    await renewing;
    expect(keepAlive.signal.aborted).toBe(false);
  });

  it("G3 G6 A renewal that fails with a fault is no loss, and its caller gets the fault.", async () => {
    const { keepAlive, deny } = renewedByHand();
    const renewing = keepAlive.renewNow(60_000);
    deny(new Error("no idea"));
    await expect(renewing).rejects.toThrow("no idea");
    expect(keepAlive.isLost()).toBe(false);
    keepAlive.stop();
  });
});

describe("Remaining time", () => {
  it("G6 remaining() counts to the local deadline, grows with each confirmed renewal, and is 0 after the end of the hold.", async () => {
    const { keepAlive, answer } = renewedByHand();
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

describe("Schedule of renewals", () => {
  it.each([
    [0, 9_000],
    [0.5, 10_000],
    [1, 11_000],
  ])("G6 A lease is renewed at a third of its ttl, give or take a tenth (chance %d).", async (chance, at) => {
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

  it("G6 A lease is renewed at most every 10 ms, however short it is.", async () => {
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

  it("G6 A lease is renewed again after a failed renewal, counted from when that one began.", async () => {
    const { asked } = keep(30_000, async () => {
      await sleep(4_000);
      throw new Error("broken");
    });
    await pass(28_000);
    expect(asked.map(({ at }) => at)).toEqual([10_000, 20_000]);
  });

  it("G6 Two renewals never run at once: a caller that asks for one waits for the one under way.", async () => {
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
    // From then on the new ttl applies.
    await pass(10_000);
    expect(asked[2]).toEqual({ at: 21_000, ttl: 60_000 });
    keepAlive.stop();
  });

  it("G6 A scheduled renewal that falls due during another one is not sent as well.", async () => {
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

  it("G6 A lease needs only two timers, however long it lasts.", async () => {
    const set = vi.spyOn(globalThis, "setTimeout");
    keep(600_000, never);
    await pass(100_000);
    expect(set.mock.calls.map(([, ms]) => ms)).toEqual([588_000, 200_000]);
  });

  it("G6 A lease is no longer renewed once it is stopped, and a caller that asks for a renewal gets an AbortError.", async () => {
    const { keepAlive, asked } = keep(30_000, confirmed);
    keepAlive.stop();
    expect(keepAlive.over.aborted).toBe(true);
    expect(keepAlive.signal.aborted).toBe(false);
    expect(await failureOf(keepAlive.renewNow(undefined))).toMatchObject({ name: "AbortError" });
    await pass(60_000);
    expect(asked).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("G6 A renewal that fails after the end of the hold sets no timer.", async () => {
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

describe("Loss without an answer", () => {
  it.each([
    [1_000, 900],
    [5_000, 4_500],
    [10_000, 9_000],
    [30_000, 29_000],
    [60_000, 58_800],
    [600_000, 588_000],
  ])(
    "G6 A lease of %d ms without an answer is lost after %d ms: in time for the work to stop, and for clocks that differ.",
    async (ttl, after) => {
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
    },
  );

  it("G6 A lease is lost in time while its renewals fail again and again.", async () => {
    const { asked, lostAfter } = keep(30_000, broken);
    expect(await lostAfter(29_000)).toEqual(IN_TIME);
    expect(asked.map(({ at }) => at)).toEqual([10_000, 20_000]);
  });

  it("G6 A look at the clock finds a lost lease from its deadline on, even if no timer could run.", () => {
    const since = performance.now();
    const { keepAlive } = keep(30_000, never);
    const now = vi.spyOn(performance, "now").mockReturnValue(since + 28_999);
    expect(keepAlive.isLost()).toBe(false);
    now.mockReturnValue(since + 29_000);
    expect(keepAlive.isLost()).toBe(true);
    expect(keepAlive.isLost()).toBe(true);
  });

  it("G6 A deadline timer that fires early is set again, and the lease is lost only at its deadline.", async () => {
    const since = performance.now();
    const { keepAlive } = keep(30_000, never);
    const now = vi.spyOn(performance, "now").mockReturnValue(since + 28_990);
    await pass(29_000);
    expect(keepAlive.signal.aborted).toBe(false);
    now.mockReturnValue(since + 29_000);
    await pass(10);
    expect(keepAlive.signal.aborted).toBe(true);
  });

  it("G6 A lease that was given back before its deadline is not lost later.", () => {
    const since = performance.now();
    const { keepAlive } = keep(30_000, never);
    keepAlive.stop();
    expect(keepAlive.remaining()).toBe(0);
    vi.spyOn(performance, "now").mockReturnValue(since + 60_000);
    expect(keepAlive.isLost()).toBe(false);
  });
});

describe("Confirmed renewals and losses", () => {
  it("G6 A confirmed renewal moves the local deadline.", async () => {
    const answers = [confirmed];
    const { keepAlive, lostAfter } = keep(30_000, (...args) => (answers.shift() ?? never)(...args));
    await pass(10_000);
    expect(keepAlive.remaining()).toBe(29_000);
    expect(await lostAfter(39_000)).toEqual(IN_TIME);
  });

  it("G6 A renewal that reports the lease as lost is a loss at once.", async () => {
    const { keepAlive } = keep(30_000, async () => ({ lost: "expired" }));
    await keepAlive.renewNow(undefined);
    expect(keepAlive.signal.reason).toMatchObject({ why: "expired", message: lossMessage("expired", 7) });
    expect(keepAlive.over.aborted).toBe(true);
  });

  it("G6 The first loss is the one that the signal reports.", () => {
    const { keepAlive } = keep(30_000, never);
    keepAlive.lose("superseded", "first");
    keepAlive.lose("expired", "second");
    expect(keepAlive.signal.reason).toMatchObject({ message: "first" });
  });

  it("G6 A grant or renewal that carries a release request calls onReleaseRequested.", async () => {
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

describe("Renewals that shorten a lease", () => {
  it("G6 A renewal that shortens a lease counts from when it is sent, with a margin of its own.", async () => {
    const { keepAlive, lostAfter } = keep(60_000, never);
    void keepAlive.renewNow(1_000).catch(() => {});
    await Promise.resolve();
    expect(keepAlive.remaining()).toBe(900);
    expect(await lostAfter(900)).toEqual(IN_TIME);
  });

  it("G6 A shorter renewal without an answer may arrive after the next one, so the next one counts for less.", async () => {
    const answers = [broken, confirmed];
    const { keepAlive, asked } = keep(60_000, (...args) => (answers.shift() ?? never)(...args));
    await failureOf(keepAlive.renewNow(30_000));
    await keepAlive.renewNow(60_000);
    expect(keepAlive.remaining()).toBe(28_800);
    // As long as the shorter renewal may still arrive, the lease is renewed as early as the shorter one requires.
    await pass(10_000);
    expect(asked.map(({ at }) => at)).toEqual([0, 0, 10_000]);
  });

  it("G6 A shorter renewal that was answered leaves no doubt about the next one.", async () => {
    const { keepAlive } = keep(60_000, confirmed);
    await keepAlive.renewNow(30_000);
    await keepAlive.renewNow(60_000);
    expect(keepAlive.remaining()).toBe(58_800);
  });

  it("G6 A longer renewal does not settle a shorter one that is still in doubt.", async () => {
    const answers = [broken, confirmed, confirmed];
    const { keepAlive } = keep(60_000, (...args) => (answers.shift() ?? never)(...args));
    await failureOf(keepAlive.renewNow(20_000));
    await keepAlive.renewNow(40_000);
    expect(keepAlive.remaining()).toBe(19_000);
    await keepAlive.renewNow(60_000);
    expect(keepAlive.remaining()).toBe(18_800);
  });
});

describe("Hold with a maxHold", () => {
  it("G6 A hold is renewed for the whole milliseconds that are left of maxHold, and is lost in time before maxHold.", async () => {
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
  ])("G6 A hold with a maxHold of %d ms that its first lease covers is not renewed at all.", async (maxHold, lost) => {
    const { asked, lostAfter } = keep(30_000, confirmed, { maxHold });
    expect(await lostAfter(lost)).toEqual(IN_TIME);
    expect(asked).toEqual([]);
  });

  it("G6 A short hold takes its margin from its own length, not from its ttl.", () => {
    const since = performance.now();
    const keepAlive = new KeepAlive(
      { lease: 7, ttl: 30_000, holdUntil: since + 2_000, onReleaseRequested: () => {} },
      { deadline: 1, validFor: 2_000, validUntil: since + 2_000 },
      never,
    );
    expect(keepAlive.remaining()).toBe(1_800);
    keepAlive.stop();
  });

  it("G6 A lease that ends at most 2 ms before maxHold is not renewed, and one that ends earlier is.", async () => {
    const enough = keep(30_000, confirmed, { maxHold: 30_002 });
    const tooShort = keep(30_000, confirmed, { maxHold: 30_003 });
    await pass(10_001);
    expect(enough.asked).toEqual([]);
    expect(tooShort.asked).toEqual([{ at: 10_000, ttl: 20_003 }]);
  });

  it("G6 A renewal that is requested at the very end of maxHold is for 1 ms.", async () => {
    const { keepAlive, asked } = keep(30_000, never, { maxHold: 10_000.5 });
    await pass(8_990);
    vi.spyOn(performance, "now").mockReturnValue(performance.now() + 1_010.2);
    void keepAlive.renewNow(undefined).catch(() => {});
    await Promise.resolve();
    expect(asked[0]?.ttl).toBe(1);
  });
});

describe("Clocks that run at different rates", () => {
  const isToldInTime = (ttl: number, waited: number) => {
    const validity = { deadline: 1, ...validFor(waited + ttl) };
    const since = performance.now();
    const keepAlive = new KeepAlive({ ...LIFETIME, ttl }, validity, () => new Promise(() => {}));
    const now = vi.spyOn(performance, "now");
    const isLostAfter = (ms: number) => (now.mockReturnValue(since + ms), keepAlive.isLost());
    // The object's clock is the faster one: by it, the lease has ended when the client's clock has counted this much.
    const over = ((waited + ttl) * 0.99) / 1.01;
    const isLost = isLostAfter(over);
    keepAlive.stop();
    now.mockRestore();
    return isLost;
  };

  it("G6 A lease of a day is lost in time if both clocks are off by 1 %.", () => {
    expect(isToldInTime(86_400_000, 0)).toBe(true);
  });

  it("G6 A short lease after a long wait is lost in time if both clocks are off by 1 %.", () => {
    expect(isToldInTime(100, 25_000)).toBe(true);
  });
});

describe("Lease whose renewals all fail", () => {
  it("G11 A lease whose renewals all fail is lost with the last renewal's error as its cause and in its message.", async () => {
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

  it("G11 A lease whose renewals get no answer at all is lost with the outage itself as its cause.", async () => {
    const outage = new LockError("UNREACHABLE", "The object did not answer within 5000 ms.");
    const { keepAlive } = keep(30_000, () => Promise.reject(outage));
    await pass(29_000);
    expect(keepAlive.signal.reason).toMatchObject({ why: "unreachable", cause: outage });
  });

  it("G11 A lease that is lost during a renewal has the last fault of that renewal as its cause.", async () => {
    const fault = new Error("connect ECONNREFUSED");
    const answer: Answer = (_ttl, _signal, onFault) => (onFault(fault), silence());
    const { keepAlive } = keep(30_000, answer);
    await pass(29_000);
    expect(keepAlive.signal.reason).toMatchObject({ why: "unreachable", cause: fault });
  });

  it("G11 A lease is lost without a fault that a later renewal has refuted.", async () => {
    const answers: Answer[] = [broken, confirmed];
    const { keepAlive } = keep(30_000, (...args) => (answers.shift() ?? never)(...args));
    await pass(60_000);
    expect(keepAlive.signal.reason).toMatchObject({ why: "unreachable", message: lossMessage("unreachable", 7) });
    expect(Object.hasOwn(keepAlive.signal.reason as object, "cause")).toBe(false);
  });
});

describe("Messages of a loss", () => {
  it("Each loss message says why the lease was lost and what to do next.", () => {
    expect(lossMessage("unreachable", 7)).toContain("no renewal was confirmed in time. Stop writing");
    expect(lossMessage("expired", 7)).toContain("expired before it was renewed. Stop writing");
    expect(lossMessage("superseded", 7)).toContain("another caller ended it. Stop writing");
  });
});
