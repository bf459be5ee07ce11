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

const binding = () => ({ success: true as const, next: () => silence(), [Symbol.dispose]: vi.fn() }) as ExitWatch;

const scripted = (answers: Partial<LockPrimitives> = {}) =>
  grantingPrimitives({ watchExit: async () => binding(), ...answers });

const holding = (options: HoldOptions = {}) => checkHold(options, asAsked);

describe("G1 a lock that is taken and kept", () => {
  it("is bound if that is asked for, and only then", async () => {
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

  it("is not even asked for if it can't be bound as it should", async () => {
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

  it("is given back if it can't be bound: the error is what came of that, whatever comes of giving it back", async () => {
    const bind = () => Promise.reject(new Error("no idea"));
    const { primitives, methods } = scripted({
      watchExit: bind,
      release: () => Promise.reject(new Error("of no interest")),
    });
    expect(await failureOf(startHold(primitives, holding({ releaseOnExit: true })))).toMatchObject({
      message: "no idea",
    });
    expect(methods()).toEqual(["acquire", "watchExit", "release"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is given back at once if its caller aborts while it is bound", async () => {
    const controller = new AbortController();
    const { primitives, methods } = scripted({ watchExit: () => silence() });
    const held = failureOf(startHold(primitives, holding({ releaseOnExit: true, signal: controller.signal })));
    await pass(10);
    controller.abort("enough");
    expect(methods()).toEqual(["acquire", "watchExit", "release"]);
    expect(await held).toBe("enough");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is given back at once whenever its caller aborts before it is bound", async () => {
    await sweepTurns(async (turns) => {
      const controller = new AbortController();
      const acquire = async () => (afterTurns(turns, () => controller.abort("enough")), GRANT);
      const { primitives } = scripted({ acquire, watchExit: () => silence() });
      const held = failureOf(startHold(primitives, holding({ releaseOnExit: true, signal: controller.signal })));
      await pass(0);
      expect(await settled(held)).toBe("enough");
    });
  });

  it("is left alone by a signal that fires later", async () => {
    const controller = new AbortController();
    const { primitives, methods } = scripted();
    const { held } = await startHold(primitives, holding({ signal: controller.signal }));
    controller.abort();
    await pass(0);
    expect(held.signal.aborted).toBe(false);
    expect(methods()).toEqual(["acquire"]);
    await held.release();
  });

  it("is lost already if the reply took longer than the lease lasts", async () => {
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

  it("or is refused: told, or thrown", async () => {
    const { primitives } = scripted({ acquire: async () => ({ success: false, reason: "BORROWED" }) });
    expect(await tryHold(primitives, holding({ wait: 0 }))).toEqual({ success: false, reason: "BORROWED" });
    expect(await failureOf(startHold(primitives, holding({ wait: 0 })))).toMatchObject({ code: "LOCK_TIMEOUT" });
  });
});

describe("a lease that is taken over", () => {
  it("is renewed for as long as it may be held", async () => {
    const { primitives, calls } = scripted();
    const held = await resume(primitives, 7, checkResume({ ttl: 30_000, maxHold: 20_000 }));
    expect(calls).toMatchObject([{ method: "renew", args: [7, 20_000, expect.any(String)] }]);
    expect(held.lease).toBe(7);
    await held.release();
  });

  it("and that is gone is LEASE_LOST", async () => {
    const { primitives } = scripted({ renew: async () => GONE });
    expect(await failureOf(resume(primitives, 7, checkResume({})))).toMatchObject({ why: "expired", lease: 7 });
  });

  it("and can't be bound is not released, and renewed no more", async () => {
    const { primitives, methods } = scripted({ watchExit: () => Promise.reject(new Error("no idea")) });
    expect(await failureOf(resume(primitives, 7, checkResume({ releaseOnExit: true })))).toMatchObject({
      message: "no idea",
    });
    await pass(60_000);
    expect(methods()).toEqual(["renew", "watchExit"]);
  });
});

describe("G9 a refusal says what to do", () => {
  const MINE = { id: "mine", key: "mine" };
  const words = (reason: Parameters<typeof refusalFor>[0], options: HoldOptions = {}, rest: object = {}) => {
    const { code, message } = refused(MINE, holding(options), refusalFor(reason, rest));
    return `${code}: ${message}`;
  };

  it.each([
    ["QUEUE_FULL", 'QUEUE_FULL: Lock "mine" has as many waiters as it admits (10000): shed load.'],
    ["TOO_MANY_LEASES", 'TOO_MANY_LEASES: Lock "mine" has as many live leases as it admits (10000): split it.'],
    ["FINGERPRINT_MISMATCH", 'FINGERPRINT_MISMATCH: Job "mine" has another payload'],
    ["RESULT_NOT_CLONEABLE", 'RESULT_NOT_CLONEABLE: Job "mine" has run, but its result can\'t be carried as JSON'],
    ["NO_LONGER_VALID", 'UNREACHABLE: Lock "mine" was granted, but the reply came after the lease had ended'],
    ["RECORDED", "VERSION_MISMATCH"],
  ] as const)("%s", (reason, expected) => {
    expect(words(reason)).toContain(expected);
  });

  it("of a share that is used up says so, and not that the lock is full", () => {
    for (const reason of ["QUEUE_FULL", "TOO_MANY_LEASES"] as const)
      expect(words(reason, {}, { share: true })).toMatch(
        new RegExp(`^${reason}: On lock "mine" this token has its share .*5000`),
      );
  });

  it("of a lock that is taken, and when that may end", () => {
    const asked = holding({ wait: 40 });
    const error = refused(MINE, asked, { success: false, reason: "BORROWED", retryAfter: 7 });
    expect(error).toMatchObject({ code: "LOCK_TIMEOUT", retryAfter: 7 });
    // More follows if this process holds another lock: see own-holds.test.ts.
    expect(error.message).toContain(
      'Lock "mine" was not granted within 40 ms. The present lease ends in 7 ms unless it is renewed. ' +
        "Raise wait, or use tryWithLock to skip when it is taken.",
    );
    expect(words("BORROWED", { wait: 40 })).toContain("within 40 ms. Raise wait");
    asked.request.job = { fingerprint: undefined };
    expect(refused(MINE, asked, { success: false, reason: "BORROWED" }).message).toBe(
      'Job "mine" has no result within 40 ms: it still runs. Raise wait, or ask again.',
    );
  });
});
