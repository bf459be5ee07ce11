import { describe, expect, it, vi } from "vitest";
import { KeepAlive, type Renewal } from "../../src/client/keep-alive.ts";

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

  it("that is a fault is no loss, and is told to whoever asked", async () => {
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

describe("G6 a renewal that shortens the lease", () => {
  /** A lease of a minute, each of whose renewals is answered as given, or never. */
  function renewed(...answers: (Renewal | undefined)[]): KeepAlive {
    const validity = { deadline: 1, ...validFor(60_000) };
    return new KeepAlive(LIFETIME, validity, () => {
      const answer = answers.shift();
      return answer ? Promise.resolve(answer) : Promise.reject(new Error("no answer"));
    });
  }

  it("shortens it although the answer got lost", async () => {
    const keepAlive = renewed(undefined);
    await keepAlive.renewNow(50).catch(() => {});
    await vi.waitFor(() => expect(keepAlive.signal.aborted).toBe(true), { timeout: 10_000, interval: 5 });
    expect(keepAlive.signal.reason).toMatchObject({ why: "unreachable" });
  });

  it("and got no answer may arrive after one that lengthened it: the lease is not relied on for longer", async () => {
    const keepAlive = renewed(undefined, { deadline: 2, ...validFor(60_000) });
    await keepAlive.renewNow(50).catch(() => {});
    await keepAlive.renewNow(60_000);
    await vi.waitFor(() => expect(keepAlive.signal.aborted).toBe(true), { timeout: 10_000, interval: 5 });
  });

  it("and was answered is over and done with", async () => {
    const now = performance.now();
    const keepAlive = renewed(
      { deadline: 2, validFor: 1_000, validUntil: now + 1_000 },
      { deadline: 3, validFor: 60_000, validUntil: now + 60_000 },
    );
    await keepAlive.renewNow(1_000);
    await keepAlive.renewNow(60_000);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect(keepAlive.isLost()).toBe(false);
    keepAlive.stop();
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
