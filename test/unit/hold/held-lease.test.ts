import { describe, expect, it, vi } from "vitest";
import type { RenewReply } from "../../../src/core/replies.ts";
import { type HoldBounds, type LiveLease, holdLease, renewOnce } from "../../../src/hold/held-lease.ts";
import type { LockPrimitives } from "../../../src/transport/primitives.ts";
import { fakeTime, pass } from "../../support/fake-time.ts";
import { connectionLost } from "../../support/faulty-namespace.ts";
import { failureOf, sleep } from "../../support/outcome.ts";
import { scriptedPrimitives } from "../../support/scripted-primitives.ts";

fakeTime();

const BOUNDS: HoldBounds = {
  ttl: 60_000,
  maxHold: Infinity,
  minHold: 0,
  releaseOnExit: false,
  onReleaseRequested: undefined,
};
const RENEWED: RenewReply = { success: true, lease: 7, deadline: 2, validFor: 60_000 };

function holdWith(
  bounds: Partial<HoldBounds> = {},
  answers: Partial<LockPrimitives> = {},
  granted: Partial<LiveLease> = {},
) {
  const { primitives, calls } = scriptedPrimitives({
    renew: async () => RENEWED,
    release: async () => true,
    ...answers,
  });
  const { ttl } = { ...BOUNDS, ...bounds };
  const grant = { lease: 7, deadline: 1, validFor: ttl, validUntil: performance.now() + ttl, ...granted };
  const hold = holdLease(primitives, grant, { ...BOUNDS, ...bounds });
  return { hold, held: hold.held, calls };
}

describe("Held lease", () => {
  it("A held lease shows its number, deadline and remaining time, and renews for the ttl that it is given.", async () => {
    const { held, calls } = holdWith();
    expect(held.lease).toBe(7);
    expect(held.deadline).toBe(1);
    expect(held.remaining()).toBe(58_800);
    expect(held.isLost()).toBe(false);
    await held.renew(30_000);
    expect(held.deadline).toBe(2);
    expect(calls).toEqual([{ method: "renew", args: [7, 30_000, expect.any(String)], at: 0 }]);
    expect(await failureOf(held.renew(0))).toMatchObject({ argument: "ttl" });
    expect(calls).toHaveLength(1);
    await held.renew();
    expect(calls[1]?.args[1]).toBe(30_000);
  });

  it("A held lease sends one release, however many callers ask for it.", async () => {
    const { hold, held, calls } = holdWith();
    const released = [held.release(), held.release(), held[Symbol.asyncDispose](), hold.release()];
    expect(await Promise.all(released)).toEqual([true, true, undefined, true]);
    expect(calls.map(({ method }) => method)).toEqual(["release"]);
  });

  it("A held lease sends the result of its job with the release.", async () => {
    const { hold, calls } = holdWith();
    const result = { value: 1, failed: false, retain: 1_000 };
    expect(await hold.release(result)).toBe(true);
    expect(calls[0]?.args[2]).toEqual(result);
  });

  it("A held lease that its holder has released can't be renewed and stores no result.", async () => {
    const { hold, held, calls } = holdWith();
    await held.release();
    const words = {
      code: "LEASE_LOST",
      why: "superseded",
      message: "Lease 7 was released by its holder: acquire again.",
    };
    expect(await failureOf(held.renew())).toMatchObject(words);
    expect(await failureOf(hold.release({ value: 1, failed: false, retain: 1 }))).toMatchObject(words);
    expect(calls).toHaveLength(1);
  });

  it("A held lease that is lost is not renewed, and the caller gets the loss.", async () => {
    const { hold, held, calls } = holdWith();
    hold.keepAlive.lose("expired", "lost");
    expect(await failureOf(held.renew())).toBe(held.signal.reason);
    expect(calls).toEqual([]);
  });

  it("A held lease that has run out by the clock is not renewed, even if its timer has not fired.", async () => {
    const { held, calls } = holdWith();
    vi.spyOn(performance, "now").mockReturnValue(performance.now() + 60_000);
    expect(await failureOf(held.renew())).toMatchObject({ code: "LEASE_LOST", why: "unreachable" });
    expect(calls).toEqual([]);
  });

  it("A renewal that finds the held lease gone rejects with the reason of its signal.", async () => {
    const { held } = holdWith(
      {},
      { renew: async () => ({ success: false, reason: "NO_LONGER_VALID", ended: "expired" }) },
    );
    expect(await failureOf(held.renew())).toBe(held.signal.reason);
    expect(held.signal.reason).toMatchObject({ why: "expired" });
  });

  it("A renewal that is interrupted by the release rejects with LEASE_LOST.", async () => {
    const { held } = holdWith({}, { renew: () => new Promise(() => {}) });
    const renewed = failureOf(held.renew());
    await pass(10);
    await held.release();
    expect(await renewed).toMatchObject({ code: "LEASE_LOST", why: "superseded" });
  });
});

describe("Length of a hold", () => {
  it("G9 maxHold counts from the grant, even after a long wait.", async () => {
    const granted = { validFor: 80_000, validUntil: performance.now() + 60_000 };
    const { held } = holdWith({ maxHold: 90_000 }, {}, granted);
    await pass(89_999 - 1_200);
    expect(held.signal.aborted).toBe(false);
    await pass(1_201);
    expect(held.signal.reason).toMatchObject({ why: "expired" });
  });

  it("G9 maxHold counts from the earliest instant at which the lease can have begun.", async () => {
    // Ten seconds of the lease are gone: the reply took so long.
    const granted = { validFor: 60_000, validUntil: performance.now() + 50_000 };
    const { held, calls } = holdWith({ maxHold: 60_000 }, {}, granted);
    expect(held.remaining()).toBe(48_800);
    await pass(48_800);
    expect(held.signal.reason).toMatchObject({ message: expect.stringContaining("maxHold") });
    expect(calls).toEqual([]);
  });

  it("G9 A hold whose maxHold is below its ttl lasts as long as its lease and is not renewed.", async () => {
    const granted = { validFor: 20_000, validUntil: performance.now() + 20_000 };
    const { held, calls } = holdWith({ maxHold: 20_000 }, {}, granted);
    await pass(19_000);
    expect(held.signal.reason).toMatchObject({ message: expect.stringContaining("maxHold") });
    expect(calls).toEqual([]);
  });

  it("G9 minHold counts from the start of the hold.", async () => {
    const { held, calls } = holdWith({ minHold: 5_000 });
    await pass(1_000);
    await held.release();
    expect(calls).toMatchObject([{ method: "renew", args: [7, 4_000, expect.any(String)] }]);
  });
});

describe("Release request to a holder", () => {
  it("onReleaseRequested runs once, however often the release is requested.", async () => {
    const onReleaseRequested = vi.fn();
    const { hold, held } = holdWith(
      { onReleaseRequested },
      { renew: async () => ({ ...RENEWED, releaseRequested: true }) },
    );
    await held.renew();
    await held.renew();
    hold.onReleaseRequested();
    await pass(0);
    expect(onReleaseRequested).toHaveBeenCalledExactlyOnceWith(held);
  });

  it("onReleaseRequested runs apart from the call that reports the request, and an error that it throws is logged.", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const { hold } = holdWith({
      onReleaseRequested: () => {
        throw new Error("mine");
      },
    });
    expect(hold.onReleaseRequested).not.toThrow();
    expect(log).not.toHaveBeenCalled();
    await pass(0);
    expect(log).toHaveBeenCalledOnce();
  });

  it("A release request does nothing if the holder gave no onReleaseRequested.", async () => {
    const { hold } = holdWith();
    expect(hold.onReleaseRequested).not.toThrow();
    await pass(0);
  });
});

describe("Renewal", () => {
  it("G5 A renewal is repeated with the same request id and counts from before the call that was answered.", async () => {
    const answers: (RenewReply | Error)[] = [connectionLost(), { ...RENEWED, validFor: 9_000, releaseRequested: true }];
    const { primitives, calls } = scriptedPrimitives({
      renew: async () => {
        const answer = answers.shift();
        await sleep(100);
        if (answer instanceof Error) throw answer;
        return answer as RenewReply;
      },
    });
    const since = performance.now();
    const renewed = renewOnce(primitives, 7, 9_000, undefined);
    await pass(225);
    expect(await renewed).toEqual({
      deadline: 2,
      validFor: 9_000,
      validUntil: since + 125 + 9_000,
      releaseRequested: true,
    });
    expect(new Set(calls.map(({ args }) => args[2])).size).toBe(1);
    expect(calls).toHaveLength(2);
  });

  it("G5 A refused renewal is a loss, and a granted one reports no release request if there was none.", async () => {
    const refused = scriptedPrimitives({ renew: async () => ({ success: false, reason: "NO_LONGER_VALID" }) as const });
    expect(await renewOnce(refused.primitives, 7, 1, undefined)).toEqual({ lost: "superseded" });
    const granted = scriptedPrimitives({ renew: async () => RENEWED });
    expect(await renewOnce(granted.primitives, 7, 1, undefined)).not.toHaveProperty("releaseRequested");
  });
});
