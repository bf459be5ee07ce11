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

/** A lease of a minute that is kept, and what its release is answered. */
function kept(answers: Partial<LockPrimitives>, { minHold = 0, renewal = Promise.reject<Renewal>(new Error()) } = {}) {
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

describe("G3 the end of a hold", () => {
  it("is the release of its lease, after which nothing is renewed", async () => {
    const { keepAlive, release, calls } = kept(answer(true));
    expect(await release()).toBe(true);
    expect(calls).toEqual([{ method: "release", args: [7, expect.any(String)], at: 0 }]);
    expect(keepAlive.over.aborted).toBe(true);
    expect(keepAlive.signal.aborted).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("of one that is lost asks nobody", async () => {
    const { keepAlive, release, calls } = kept(answer(true));
    keepAlive.lose("expired", "lost");
    expect(await release()).toBe(false);
    expect(calls).toEqual([]);
  });

  it.each([
    ["expired", "expired"],
    ["released", "superseded"],
    ["superseded", "superseded"],
    [undefined, "superseded"],
  ] as const)("of one that was %s before is a loss: %s", async (ended, why) => {
    const { keepAlive, release } = kept(answer({ ...GONE, ...(ended && { ended }) }));
    expect(await release()).toBe(false);
    expect(keepAlive.signal.reason).toMatchObject({ why, message: lossMessage(why, 7) });
  });

  it("that could not be told is an error, with what is underneath", async () => {
    const cause = new Error("broken");
    const { keepAlive, release } = kept(failing(cause));
    expect(await failureOf(release())).toMatchObject({
      code: "RELEASE_FAILED",
      cause,
      message: 'Lease 7 of lock "scripted" could not be released: broken. It ends with its ttl at the latest.',
    });
    expect(keepAlive.over.aborted).toBe(true);
  });

  it("G9 that is never answered is over in five seconds", async () => {
    const { release } = kept({ release: () => silence() });
    const failed = failureOf(release());
    await pass(4_999);
    expect(await settled(failed)).toBe("parked");
    await pass(1);
    expect(await failed).toMatchObject({ code: "RELEASE_FAILED", cause: { code: "UNREACHABLE" } });
  });

  it("that is answered with something unknown is another version's", async () => {
    const { release } = kept(answer(refusalFor("BORROWED")));
    expect(await failureOf(release())).toMatchObject({ code: "VERSION_MISMATCH" });
    expect(() => lossOf(refusalFor("QUEUE_FULL"))).toThrow("QUEUE_FULL");
  });
});

describe("a hold of least length", () => {
  const GRANT = { success: true, lease: 7, deadline: 1, validFor: 1 } as const;

  it("leaves its lease to what is left of that, in whole milliseconds", async () => {
    const { release, calls } = kept({ ...answer(true), renew: async () => GRANT }, { minHold: 5_000.5 });
    await pass(2_000);
    expect(await release()).toBe(true);
    expect(calls).toEqual([{ method: "renew", args: [7, 3_001, expect.any(String)], at: 2_000 }]);
  });

  it("is released if that is over, to the millisecond", async () => {
    const { release, calls } = kept(answer(true), { minHold: 2_000 });
    await pass(2_000);
    expect(await release()).toBe(true);
    expect(calls.map(({ method }) => method)).toEqual(["release"]);
  });

  it("waits for the renewal under way, which must not come after", async () => {
    const { promise, resolve } = Promise.withResolvers<Renewal>();
    const { keepAlive, release, calls } = kept({ renew: async () => GRANT }, { minHold: 5_000, renewal: promise });
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

  it("but without one nothing is waited for", async () => {
    const { keepAlive, release, calls } = kept(answer(true), { renewal: new Promise(() => {}) });
    void keepAlive.renewNow(undefined);
    await pass(0);
    expect(await release()).toBe(true);
    expect(calls).toHaveLength(1);
  });
});

describe("the result of a job", () => {
  it("goes with the release, as a copy", async () => {
    class Receipt {
      readonly amount = 3;
    }
    const { release, calls } = kept(answer(true));
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
  ])("that %s is told, and the lease is released without", async (_what, answers, words) => {
    const { keepAlive, release, calls } = kept(answers);
    const error = await failureOf(release(RESULT));
    const reason = words.includes("2 MB") ? "RESULT_TOO_LARGE" : "RESULT_NOT_CLONEABLE";
    expect(error).toMatchObject({ code: reason, message: expect.stringContaining(words) });
    expect((error as Error).message).toContain("Return less");
    // Without a result the second is answered as the first was, which is no reason to ask a third time.
    expect(calls).toHaveLength(2);
    expect(calls[1]?.args).toEqual([7, expect.any(String)]);
    expect(keepAlive.over.aborted).toBe(true);
  });

  it("that can't be cloned here is not even sent", async () => {
    const { release, calls } = kept(answer(true));
    expect(await failureOf(release({ ...RESULT, value: () => {} }))).toMatchObject({ code: "RESULT_NOT_CLONEABLE" });
    expect(calls).toMatchObject([{ args: [7, expect.any(String)] }]);
  });

  it.each([
    ["broke", new Error("broken")],
    ["threw what is no error", "broken"],
    ["threw nothing", null],
  ])("whose call %s for another reason is a release that failed", async (_what, error) => {
    const { release, calls } = kept(failing(error));
    const cause = { message: expect.stringMatching(/broken|null/) };
    expect(await failureOf(release(RESULT))).toMatchObject({ code: "RELEASE_FAILED", cause });
    expect(calls).toHaveLength(1);
  });

  it("that is of no use once the lease is gone", async () => {
    const { release } = kept(answer(GONE));
    expect(await release(RESULT)).toBe(false);
  });
});
