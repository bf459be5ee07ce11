import { describe, expect, it, vi } from "vitest";
import type { JobResult, RefusalReply, ReleaseReply } from "../../../src/core/replies.ts";
import { type Renewal, KeepAlive } from "../../../src/hold/keep-alive.ts";
import { lossMessage, lossOf } from "../../../src/hold/loss.ts";
import { releaseOnce } from "../../../src/hold/release.ts";
import type { LockPrimitives } from "../../../src/transport/primitives.ts";
import { fakeTime, pass, silence } from "../../support/fake-time.ts";
import { failureOf, settled } from "../../support/outcome.ts";
import { refusalFor } from "../../support/refusal.ts";
import { scriptedPrimitives } from "../../support/scripted-primitives.ts";

fakeTime();

const GONE: RefusalReply = { success: false, reason: "NO_LONGER_VALID" };
const RESULT: JobResult = { value: "receipt", failed: false, retain: 1_000 };

/** A held lease of a minute whose release gets the given answers. */
function leaseWith(
  answers: Partial<LockPrimitives>,
  { minHold = 0, renewal = Promise.reject<Renewal>(new Error()) } = {},
) {
  renewal.catch(() => {});
  const { primitives, calls } = scriptedPrimitives(answers);
  const now = performance.now();
  const keepAlive = new KeepAlive(
    { lease: 7, ttl: 60_000, holdUntil: Infinity, onReleaseRequested: () => {} },
    { deadline: 1, validFor: 60_000, validUntil: now + 60_000 },
    () => renewal,
  );
  const release = (result?: JobResult) =>
    releaseOnce(primitives, { lease: 7, keepAlive, heldUntil: now + minHold }, result);
  return { keepAlive, release, calls };
}

const answer = (reply: ReleaseReply) => ({ release: async () => reply });
const failing = (thrown: unknown) => ({
  release: async (): Promise<ReleaseReply> => {
    throw thrown;
  },
});

describe("End of a hold", () => {
  it("G3 The end of a hold releases its lease, and nothing is renewed afterwards.", async () => {
    const { keepAlive, release, calls } = leaseWith(answer(true));
    expect(await release()).toBe(true);
    expect(calls).toEqual([{ method: "release", args: [7, expect.any(String)], at: 0 }]);
    expect(keepAlive.over.aborted).toBe(true);
    expect(keepAlive.signal.aborted).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("G3 The end of a lost hold sends nothing.", async () => {
    const { keepAlive, release, calls } = leaseWith(answer(true));
    keepAlive.lose("expired", "lost");
    expect(await release()).toBe(false);
    expect(calls).toEqual([]);
  });

  it.each([
    ["expired", "expired"],
    ["released", "superseded"],
    ["superseded", "superseded"],
    [undefined, "superseded"],
  ] as const)("G3 A release that finds the lease gone (%s) is a loss with the reason %s.", async (ended, why) => {
    const { keepAlive, release } = leaseWith(answer({ ...GONE, ...(ended && { ended }) }));
    expect(await release()).toBe(false);
    expect(keepAlive.signal.reason).toMatchObject({ why, message: lossMessage(why, 7) });
  });

  it("G3 A release that fails is RELEASE_FAILED, with the fault as its cause.", async () => {
    const cause = new Error("broken");
    const { keepAlive, release } = leaseWith(failing(cause));
    expect(await failureOf(release())).toMatchObject({
      code: "RELEASE_FAILED",
      cause,
      message: 'Lease 7 of lock "scripted" could not be released: broken. It ends with its ttl at the latest.',
    });
    expect(keepAlive.over.aborted).toBe(true);
  });

  it("G3 G9 A release that is never answered fails after 5 s.", async () => {
    const { release } = leaseWith({ release: () => silence() });
    const failed = failureOf(release());
    await pass(4_999);
    expect(await settled(failed)).toBe("parked");
    await pass(1);
    expect(await failed).toMatchObject({ code: "RELEASE_FAILED", cause: { code: "UNREACHABLE" } });
  });

  it("G3 A release that is answered with something unknown is a VERSION_MISMATCH.", async () => {
    const { release } = leaseWith(answer(refusalFor("BORROWED")));
    expect(await failureOf(release())).toMatchObject({ code: "VERSION_MISMATCH" });
    expect(() => lossOf(refusalFor("QUEUE_FULL"))).toThrow("QUEUE_FULL");
  });
});

describe("Hold with a minHold", () => {
  const GRANT = { success: true, lease: 7, deadline: 1, validFor: 1 } as const;

  it("A release before minHold shortens the lease to what is left of minHold, in whole milliseconds.", async () => {
    const { release, calls } = leaseWith({ ...answer(true), renew: async () => GRANT }, { minHold: 5_000.5 });
    await pass(2_000);
    expect(await release()).toBe(true);
    expect(calls).toEqual([{ method: "renew", args: [7, 3_001, expect.any(String)], at: 2_000 }]);
  });

  it("A hold is released normally once its minHold has passed, to the millisecond.", async () => {
    const { release, calls } = leaseWith(answer(true), { minHold: 2_000 });
    await pass(2_000);
    expect(await release()).toBe(true);
    expect(calls.map(({ method }) => method)).toEqual(["release"]);
  });

  it("A release before minHold waits for the renewal under way, which must not arrive later.", async () => {
    const { promise, resolve } = Promise.withResolvers<Renewal>();
    const { keepAlive, release, calls } = leaseWith({ renew: async () => GRANT }, { minHold: 5_000, renewal: promise });
    void keepAlive.renewNow(undefined);
    await pass(0);
    const released = release();
    await pass(100);
    expect(await settled(released)).toBe("parked");
    expect(calls).toEqual([]);
    resolve({ deadline: 1, validFor: 60_000, validUntil: performance.now() + 60_000 });
    expect(await released).toBe(true);
    expect(calls).toMatchObject([{ method: "renew", args: [7, 4_900, expect.any(String)] }]);
  });

  it("A release without a minHold waits for no renewal.", async () => {
    const { keepAlive, release, calls } = leaseWith(answer(true), { renewal: new Promise(() => {}) });
    void keepAlive.renewNow(undefined);
    await pass(0);
    expect(await release()).toBe(true);
    expect(calls).toHaveLength(1);
  });
});

describe("Result of a job", () => {
  it("The release carries a copy of the job's result.", async () => {
    class Receipt {
      readonly amount = 3;
    }
    const { release, calls } = leaseWith(answer(true));
    const result = { ...RESULT, value: new Receipt() };
    expect(await release(result)).toBe(true);
    const sent = calls[0]?.args[2] as JobResult;
    expect(sent).toEqual({ ...RESULT, value: { amount: 3 } });
    expect(Object.getPrototypeOf(sent.value)).toBe(Object.prototype);
  });

  it.each([
    ["the object refuses as too large", answer(refusalFor("RESULT_TOO_LARGE")), "is larger than 2 MB"],
    ["the object can't store", answer(refusalFor("RESULT_NOT_CLONEABLE", { message: "why" })), "can't be cloned (why)"],
    ["the object can't store, for whatever reason", answer(refusalFor("RESULT_NOT_CLONEABLE")), "can't be cloned ()"],
    [
      "RPC does not carry for its size",
      failing(new TypeError("Serialized RPC arguments or return values are limited to 32 MiB")),
      "is larger than 2 MB",
    ],
    ["RPC can't clone", failing(new DOMException("a stream", "DataCloneError")), "can't be cloned (DataCloneError"],
    ["is nested too deeply", failing(new RangeError("stack")), "can't be cloned (RangeError: stack)"],
    ["RPC can't read", failing(new Error("Unable to deserialize cloned data.")), "can't be cloned (Error: Unable"],
  ])("A result that %s is reported, and the lease is released without it.", async (_what, answers, words) => {
    const { keepAlive, release, calls } = leaseWith(answers);
    const error = await failureOf(release(RESULT));
    const reason = words.includes("2 MB") ? "RESULT_TOO_LARGE" : "RESULT_NOT_CLONEABLE";
    expect(error).toMatchObject({ code: reason, message: expect.stringContaining(words) });
    expect((error as Error).message).toContain("Return less");
    // The second release, without a result, gets the same answer as the first. That is no reason to ask a third time.
    expect(calls).toHaveLength(2);
    expect(calls[1]?.args).toEqual([7, expect.any(String)]);
    expect(keepAlive.over.aborted).toBe(true);
  });

  it("A result that can't be cloned locally is not sent at all.", async () => {
    const { release, calls } = leaseWith(answer(true));
    expect(await failureOf(release({ ...RESULT, value: () => {} }))).toMatchObject({ code: "RESULT_NOT_CLONEABLE" });
    expect(calls).toMatchObject([{ args: [7, expect.any(String)] }]);
  });

  it.each([
    ["broke", new Error("broken")],
    ["threw what is no error", "broken"],
    ["threw nothing", null],
  ])("A release with a result is RELEASE_FAILED if its call %s.", async (_what, error) => {
    const { release, calls } = leaseWith(failing(error));
    const cause = { message: expect.stringMatching(/broken|null/) };
    expect(await failureOf(release(RESULT))).toMatchObject({ code: "RELEASE_FAILED", cause });
    expect(calls).toHaveLength(1);
  });

  it("The result of a job is dropped if its lease is gone.", async () => {
    const { release } = leaseWith(answer(GONE));
    expect(await release(RESULT)).toBe(false);
  });
});
