import { describe, expect, it, vi } from "vitest";
import type { RefusalReply } from "../../../src/core/replies.ts";
import { refused } from "../../../src/hold/refusal.ts";
import { resume, startHold, tryHold } from "../../../src/hold/start-hold.ts";
import { asAsked } from "../../../src/toolkit/options/claim-rule.ts";
import { type HoldOptions, checkHold, checkResume } from "../../../src/toolkit/options/hold-options.ts";
import type { ExitWatch, LockPrimitives } from "../../../src/transport/primitives.ts";
import { fakeTime, pass, silence } from "../../support/fake-time.ts";
import { failureOf, settled, sleep } from "../../support/outcome.ts";
import { refusalFor } from "../../support/refusal.ts";
import { GRANT, grantingPrimitives } from "../../support/scripted-primitives.ts";
import { afterTurns, sweepTurns } from "../../support/turns.ts";

fakeTime();

const GONE: RefusalReply = { success: false, reason: "NO_LONGER_VALID", ended: "expired" };

const exitWatch = () => ({ success: true as const, next: () => silence(), [Symbol.dispose]: vi.fn() }) as ExitWatch;

const scripted = (answers: Partial<LockPrimitives> = {}) =>
  grantingPrimitives({ watchExit: async () => exitWatch(), ...answers });

const holding = (options: HoldOptions = {}) => checkHold(options, asAsked);

describe("Start of a hold", () => {
  it("G1 A hold sets up an exit watch with releaseOnExit, and only then.", async () => {
    for (const [releaseOnExit, methods] of [
      [false, ["acquire"]],
      [true, ["acquire", "watchExit"]],
    ] as const) {
      const { primitives, methods: called } = scripted();
      const { held } = await startHold(primitives, holding({ releaseOnExit }));
      expect(held.lease).toBe(7);
      expect(called()).toEqual(methods);
      await held.release();
    }
  });

  it("G1 A lock is not requested with releaseOnExit over a transport without an exit watch.", async () => {
    const { primitives, methods } = scripted();
    delete primitives.watchExit;
    expect(await failureOf(tryHold(primitives, holding({ releaseOnExit: true })))).toMatchObject({
      argument: "releaseOnExit",
    });
    expect(await failureOf(resume(primitives, 7, checkResume({ releaseOnExit: true })))).toMatchObject({
      argument: "releaseOnExit",
    });
    expect(methods()).toEqual([]);
  });

  it("G1 A lease is released if its exit watch can't be set up, and the caller gets that error, whatever the release does.", async () => {
    const watchExit = () => Promise.reject(new Error("no idea"));
    const { primitives, methods } = scripted({
      watchExit,
      release: () => Promise.reject(new Error("of no interest")),
    });
    expect(await failureOf(startHold(primitives, holding({ releaseOnExit: true })))).toMatchObject({
      message: "no idea",
    });
    expect(methods()).toEqual(["acquire", "watchExit", "release"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("G1 A lease is released at once if its caller aborts during the setup of the exit watch.", async () => {
    const controller = new AbortController();
    const { primitives, methods } = scripted({ watchExit: () => silence() });
    const held = failureOf(startHold(primitives, holding({ releaseOnExit: true, signal: controller.signal })));
    await pass(10);
    controller.abort("enough");
    expect(methods()).toEqual(["acquire", "watchExit", "release"]);
    expect(await held).toBe("enough");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("G1 A hold rejects at once if its caller aborts at any point before the exit watch is set up.", async () => {
    await sweepTurns(async (turns) => {
      const controller = new AbortController();
      const acquire = async () => (afterTurns(turns, () => controller.abort("enough")), GRANT);
      const { primitives } = scripted({ acquire, watchExit: () => silence() });
      const held = failureOf(startHold(primitives, holding({ releaseOnExit: true, signal: controller.signal })));
      await pass(0);
      expect(await settled(held)).toBe("enough");
    });
  });

  it("G1 A signal that fires after the grant does not end the hold.", async () => {
    const controller = new AbortController();
    const { primitives, methods } = scripted();
    const { held } = await startHold(primitives, holding({ signal: controller.signal }));
    controller.abort();
    await pass(0);
    expect(held.signal.aborted).toBe(false);
    expect(methods()).toEqual(["acquire"]);
    await held.release();
  });

  it("G1 A hold is LEASE_LOST from the start if the reply took longer than the lease lasts.", async () => {
    const { primitives } = scripted({
      acquire: async () => {
        await sleep(3_000);
        return { ...GRANT, validFor: 2_000 };
      },
    });
    const held = failureOf(startHold(primitives, holding({ ttl: 2_000 })));
    await pass(3_000);
    expect(await held).toMatchObject({ code: "LEASE_LOST", why: "unreachable" });
  });

  it("G1 A refusal is returned by tryHold and thrown by startHold.", async () => {
    const { primitives } = scripted({ acquire: async () => ({ success: false, reason: "BORROWED" }) });
    expect(await tryHold(primitives, holding({ wait: 0 }))).toEqual({ success: false, reason: "BORROWED" });
    expect(await failureOf(startHold(primitives, holding({ wait: 0 })))).toMatchObject({ code: "LOCK_TIMEOUT" });
  });
});

describe("Resumed lease", () => {
  it("A resumed lease is renewed for no longer than its maxHold.", async () => {
    const { primitives, calls } = scripted();
    const held = await resume(primitives, 7, checkResume({ ttl: 30_000, maxHold: 20_000 }));
    expect(calls).toMatchObject([{ method: "renew", args: [7, 20_000, expect.any(String)] }]);
    expect(held.lease).toBe(7);
    await held.release();
  });

  it("A resumed lease that is gone is LEASE_LOST.", async () => {
    const { primitives } = scripted({ renew: async () => GONE });
    expect(await failureOf(resume(primitives, 7, checkResume({})))).toMatchObject({ why: "expired", lease: 7 });
  });

  it("A resumed lease whose exit watch can't be set up is not released, and no longer renewed.", async () => {
    const { primitives, methods } = scripted({ watchExit: () => Promise.reject(new Error("no idea")) });
    expect(await failureOf(resume(primitives, 7, checkResume({ releaseOnExit: true })))).toMatchObject({
      message: "no idea",
    });
    await pass(60_000);
    expect(methods()).toEqual(["renew", "watchExit"]);
  });
});

describe("Messages of refusals", () => {
  const MINE = { id: "mine", key: "mine" };
  const words = (reason: Parameters<typeof refusalFor>[0], options: HoldOptions = {}, rest: object = {}) => {
    const { code, message } = refused(MINE, holding(options), refusalFor(reason, rest));
    return `${code}: ${message}`;
  };

  it.each([
    ["QUEUE_FULL", 'QUEUE_FULL: Lock "mine" already has the maximum number of waiters (10000): shed load.'],
    [
      "TOO_MANY_LEASES",
      'TOO_MANY_LEASES: Lock "mine" already has the maximum number of live leases (10000): split the lock.',
    ],
    ["FINGERPRINT_MISMATCH", 'FINGERPRINT_MISMATCH: Job "mine" has another payload'],
    ["RESULT_NOT_CLONEABLE", 'RESULT_NOT_CLONEABLE: Job "mine" has run, but its result can\'t be carried as JSON'],
    ["NO_LONGER_VALID", 'UNREACHABLE: Lock "mine" was granted, but the reply came after the lease had ended'],
    ["RECORDED", "VERSION_MISMATCH"],
  ] as const)("G9 The error for the refusal %s says what to do.", (reason, expected) => {
    expect(words(reason)).toContain(expected);
  });

  it("G9 The error for a used-up share says so, and not that the lock is full.", () => {
    for (const reason of ["QUEUE_FULL", "TOO_MANY_LEASES"] as const)
      expect(words(reason, {}, { share: true })).toMatch(
        new RegExp(`^${reason}: On lock "mine" this token has used up its share .*5000`),
      );
  });

  it("G9 The error for a taken lock says when the present lease may end.", () => {
    const asked = holding({ wait: 40 });
    const error = refused(MINE, asked, { success: false, reason: "BORROWED", retryAfter: 7 });
    expect(error).toMatchObject({ code: "LOCK_TIMEOUT", retryAfter: 7 });
    // More follows if this process holds another lock: see own-holds.test.ts.
    expect(error.message).toContain(
      'Lock "mine" was not granted within 40 ms. The current lease ends in 7 ms unless it is renewed. ' +
        "Raise wait, or use tryWithLock to skip when it is taken.",
    );
    expect(words("BORROWED", { wait: 40 })).toContain("within 40 ms. Raise wait");
    asked.request.job = { fingerprint: undefined };
    expect(refused(MINE, asked, { success: false, reason: "BORROWED" }).message).toBe(
      'Job "mine" has no result within 40 ms: it is still running. Raise wait, or ask again.',
    );
  });
});
