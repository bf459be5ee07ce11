import { describe, expect, it } from "vitest";
import type { AcquireReply, RecordedResult, RecordedReply } from "../../../src/core/replies.ts";
import type { LockRequest } from "../../../src/core/request.ts";
import { type OnceOptions, createLock, once } from "../../../src/index.ts";
import type { LockPrimitives } from "../../../src/transport/primitives.ts";
import { fakeTime } from "../../support/fake-time.ts";
import { failureOf } from "../../support/outcome.ts";
import { refusalFor } from "../../support/refusal.ts";
import { scriptedPrimitives } from "../../support/scripted-primitives.ts";

fakeTime();

const DAY = 86_400_000;
const GRANT: AcquireReply = { success: true, lease: 7, deadline: 1, validFor: 30_000 };
const recorded = (result: RecordedResult): RecordedReply => ({ success: false, reason: "RECORDED", result });

function job(work: () => unknown, options?: OnceOptions, answers: Partial<LockPrimitives> = {}) {
  const { primitives, calls } = scriptedPrimitives({
    acquire: async () => GRANT,
    release: async () => true,
    cancel: async () => undefined,
    ...answers,
  });
  const run = once(createLock(primitives), work, options);
  return { run, request: () => calls[0]?.args[0] as LockRequest, stored: () => calls.at(-1)?.args[2], calls };
}

describe("Job that runs once", () => {
  it("once sends the hash of its fingerprint, or none.", async () => {
    const plain = job(() => "done");
    expect(await plain.run).toBe("done");
    expect(plain.request()).toMatchObject({ job: { fingerprint: undefined }, exclusive: true, wait: 10_000 });
    const hashed = job(() => "done", { fingerprint: "abc" });
    await hashed.run;
    // FIPS 180-2, appendix B.1.
    expect(hashed.request().job?.fingerprint).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  });

  it("once stores its result for a day, or for as long as it is told to.", async () => {
    const [plain, longer] = [job(() => "done"), job(() => undefined, { retain: 2 * DAY })];
    await Promise.all([plain.run, longer.run]);
    expect(plain.stored()).toEqual({ value: "done", failed: false, retain: DAY });
    expect(longer.stored()).toEqual({ value: undefined, failed: false, retain: 2 * DAY });
  });

  it("once stores nothing about a failed job, unless it records errors.", async () => {
    const work = () => {
      throw new Error("mine");
    };
    const [plain, counted] = [job(work), job(work, { recordErrors: true })];
    expect(await failureOf(plain.run)).toMatchObject({ message: "mine" });
    expect(await failureOf(counted.run)).toMatchObject({ message: "mine" });
    expect(plain.stored()).toBeUndefined();
    expect(counted.stored()).toMatchObject({ value: { message: "mine" }, failed: true, retain: DAY });
  });

  it("once does not run a recorded job: it returns the result, or throws the failure.", async () => {
    const answering = (reply: AcquireReply) => job(() => expect.fail("it ran"), {}, { acquire: async () => reply }).run;
    expect(await answering(recorded({ value: "kept", failed: false, lease: 3 }))).toBe("kept");
    expect(await answering(recorded({ value: undefined, failed: false, lease: 3 }))).toBeUndefined();
    expect(await failureOf(answering(recorded({ value: "why", failed: true, lease: 3 })))).toBe("why");
    expect(await failureOf(answering(refusalFor("RECORDED")))).toMatchObject({ code: "VERSION_MISMATCH" });
    expect(await failureOf(answering({ success: false, reason: "FINGERPRINT_MISMATCH" }))).toMatchObject({
      code: "FINGERPRINT_MISMATCH",
    });
  });

  it("once holds its lease with the options that it is given.", async () => {
    const { run, request } = job(() => 1, { ttl: 5_000, wait: 3, owner: "me", lockDelay: 4, maxHold: 9_000 });
    await run;
    expect(request()).toMatchObject({ ttl: 5_000, wait: 3, owner: "me", lockDelay: 4 });
  });

  it.each([
    ["retain", { retain: 0 }],
    ["retain", { retain: null }],
    ["retain", { retain: 366 * DAY + 1 }],
    ["fingerprint", { fingerprint: 7 }],
    ["fingerprint", { fingerprint: null }],
    ["fingerprint", { fingerprint: "\ud800" }],
    ["recordErrors", { recordErrors: "yes" }],
    ["recordErrors", { recordErrors: null }],
    ["minHold", { minHold: 1 }],
    ["permits", { permits: 1 }],
  ])("G9 once refuses a bad %s and sends nothing: %j.", async (argument, options) => {
    const { run, calls } = job(() => {}, options as never);
    expect(await failureOf(run)).toMatchObject({ code: "INVALID_ARGUMENT", argument });
    expect(calls).toEqual([]);
  });

  it("G9 once refuses work that is none, and a lock that is none.", async () => {
    const lock = createLock(scriptedPrimitives({}).primitives);
    expect(await failureOf(once(lock, undefined as never))).toMatchObject({ argument: "fn" });
    expect(await failureOf(once({} as never, () => {}))).toMatchObject({ argument: "lock" });
  });

  it("once with recordErrors: false stores nothing about a failed job.", async () => {
    const work = () => Promise.reject(new Error("mine"));
    const { run, stored } = job(work, { recordErrors: false });
    await failureOf(run);
    expect(stored()).toBeUndefined();
  });
});
