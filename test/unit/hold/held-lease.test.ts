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

function hold(
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
  const kept = holdLease(primitives, grant, { ...BOUNDS, ...bounds });
  return { kept, held: kept.held, calls };
}

describe("a held lease", () => {
  it("shows what is known of it, and renews with what it is asked for", async () => {
    const { held, calls } = hold();
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

  it("is released once, no matter who asks and how often", async () => {
    const { kept, held, calls } = hold();
    const released = [held.release(), held.release(), held[Symbol.asyncDispose](), kept.release()];
    expect(await Promise.all(released)).toEqual([true, true, undefined, true]);
    expect(calls.map(({ method }) => method)).toEqual(["release"]);
  });

  it("releases with the result of its job", async () => {
    const { kept, calls } = hold();
    const result = { value: 1, failed: false, retain: 1_000 };
    expect(await kept.release(result)).toBe(true);
    expect(calls[0]?.args[2]).toEqual(result);
  });

  it("that was released by its holder is not renewed, and keeps no result", async () => {
    const { kept, held, calls } = hold();
    await held.release();
    const words = {
      code: "LEASE_LOST",
      why: "superseded",
      message: "Lease 7 was released by its holder: acquire again.",
    };
    expect(await failureOf(held.renew())).toMatchObject(words);
    expect(await failureOf(kept.release({ value: 1, failed: false, retain: 1 }))).toMatchObject(words);
    expect(calls).toHaveLength(1);
  });

  it("that is lost is not renewed: a caller that asks gets the loss", async () => {
    const { kept, held, calls } = hold();
    kept.keepAlive.lose("expired", "lost");
    expect(await failureOf(held.renew())).toBe(held.signal.reason);
    expect(calls).toEqual([]);
  });

  it("that is lost by a fresh look at the clock is not renewed either", async () => {
    const { held, calls } = hold();
    vi.spyOn(performance, "now").mockReturnValue(performance.now() + 60_000);
    expect(await failureOf(held.renew())).toMatchObject({ code: "LEASE_LOST", why: "unreachable" });
    expect(calls).toEqual([]);
  });

  it("that is lost by being renewed says so", async () => {
    const { held } = hold({}, { renew: async () => ({ success: false, reason: "NO_LONGER_VALID", ended: "expired" }) });
    expect(await failureOf(held.renew())).toBe(held.signal.reason);
    expect(held.signal.reason).toMatchObject({ why: "expired" });
  });

  it("that is released while it is renewed says so, and not that the renewal was given up", async () => {
    const { held } = hold({}, { renew: () => new Promise(() => {}) });
    const renewed = failureOf(held.renew());
    await pass(10);
    await held.release();
    expect(await renewed).toMatchObject({ code: "LEASE_LOST", why: "superseded" });
  });
});

describe("G9 the length of a hold", () => {
  it("counts from the grant, though that was waited for for long", async () => {
    const granted = { validFor: 80_000, validUntil: performance.now() + 60_000 };
    const { held } = hold({ maxHold: 90_000 }, {}, granted);
    await pass(89_999 - 1_200);
    expect(held.signal.aborted).toBe(false);
    await pass(1_201);
    expect(held.signal.reason).toMatchObject({ why: "expired" });
  });

  it("counts from the earliest instant from which its lease can count", async () => {
    // Ten seconds of the lease are gone: the reply took so long.
    const granted = { validFor: 60_000, validUntil: performance.now() + 50_000 };
    const { held, calls } = hold({ maxHold: 60_000 }, {}, granted);
    expect(held.remaining()).toBe(48_800);
    await pass(48_800);
    expect(held.signal.reason).toMatchObject({ message: expect.stringContaining("maxHold") });
    expect(calls).toEqual([]);
  });

  it("of at most less than its ttl is that of its lease", async () => {
    const granted = { validFor: 20_000, validUntil: performance.now() + 20_000 };
    const { held, calls } = hold({ maxHold: 20_000 }, {}, granted);
    await pass(19_000);
    expect(held.signal.reason).toMatchObject({ message: expect.stringContaining("maxHold") });
    expect(calls).toEqual([]);
  });

  it("of at least so much counts from when it is held", async () => {
    const { held, calls } = hold({ minHold: 5_000 });
    await pass(1_000);
    await held.release();
    expect(calls).toMatchObject([{ method: "renew", args: [7, 4_000, expect.any(String)] }]);
  });
});

describe("a holder who is asked to release", () => {
  it("is told once", async () => {
    const onReleaseRequested = vi.fn();
    const { kept, held } = hold(
      { onReleaseRequested },
      { renew: async () => ({ ...RENEWED, releaseRequested: true }) },
    );
    await held.renew();
    await held.renew();
    kept.onReleaseRequested();
    await pass(0);
    expect(onReleaseRequested).toHaveBeenCalledExactlyOnceWith(held);
  });

  it("is told apart from what is under way: what it throws is logged", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const { kept } = hold({
      onReleaseRequested: () => {
        throw new Error("mine");
      },
    });
    expect(kept.onReleaseRequested).not.toThrow();
    expect(log).not.toHaveBeenCalled();
    await pass(0);
    expect(log).toHaveBeenCalledOnce();
  });

  it("and does not want to know is not told", async () => {
    const { kept } = hold();
    expect(kept.onReleaseRequested).not.toThrow();
    await pass(0);
  });
});

describe("G5 a renewal", () => {
  it("is repeated by one name, and counts from before the call that was answered", async () => {
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

  it("that is refused is a loss, and says nothing of a wish that there was not", async () => {
    const refused = scriptedPrimitives({ renew: async () => ({ success: false, reason: "NO_LONGER_VALID" }) as const });
    expect(await renewOnce(refused.primitives, 7, 1, undefined)).toEqual({ lost: "superseded" });
    const granted = scriptedPrimitives({ renew: async () => RENEWED });
    expect(await renewOnce(granted.primitives, 7, 1, undefined)).not.toHaveProperty("releaseRequested");
  });
});
