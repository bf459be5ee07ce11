import { describe, expect, it, vi } from "vitest";
import { createLock, lead, observe, withLocks } from "../../../src/index.ts";
import { callObject } from "../../../src/transport/call.ts";
import { fakeTime, pass, silence } from "../../support/fake-time.ts";
import { failureOf, outcome } from "../../support/outcome.ts";
import { GRANT, grantingPrimitives, scriptedPrimitives } from "../../support/scripted-primitives.ts";

fakeTime();

const BOUNDS = { id: "mine", within: 1_000 };
const fault = (message: string, fields: object = { retryable: true }) => Object.assign(new Error(message), fields);
const always = (error: unknown) => async () => {
  throw error;
};

describe("Error of a call that kept failing", () => {
  it("G11 An outage has the last fault as its cause, and its reason in the message.", async () => {
    const faults = [fault("the first"), fault("Network connection lost.")];
    const last = faults[1];
    const called = failureOf(callObject(() => Promise.reject(faults.shift() ?? last), BOUNDS));
    await pass(1_000);
    const error = await called;
    expect(error).toMatchObject({
      code: "UNREACHABLE",
      message:
        'Lock "mine" can\'t be reached: Network connection lost. This is an outage and not contention: try again later.',
    });
    expect((error as Error).cause).toBe(last);
  });

  it("G11 An outage has the last fault as its cause even if the last attempt got no answer.", async () => {
    const broken = fault("broken");
    let attempts = 0;
    const called = failureOf(callObject(() => (attempts++ === 0 ? Promise.reject(broken) : silence()), BOUNDS));
    await pass(1_000);
    expect(await called).toMatchObject({ code: "UNREACHABLE", cause: broken });
  });

  it("G11 An outage names the URL of the service if nothing at all came back.", async () => {
    const called = failureOf(callObject(() => silence(), { ...BOUNDS, url: "https://locks.example" }));
    await pass(1_000);
    expect(await called).toMatchObject({
      code: "UNREACHABLE",
      message: expect.stringContaining('Lock "mine" at https://locks.example did not answer within 1000 ms'),
    });
  });

  it.each([
    ["acquire", (lock: ReturnType<typeof createLock>) => lock.acquire(1_000)],
    ["renew", (lock: ReturnType<typeof createLock>) => lock.renew(7, 1_000)],
    ["release", (lock: ReturnType<typeof createLock>) => lock.release(7)],
    ["isLocked", (lock: ReturnType<typeof createLock>) => lock.isLocked()],
    ["status", (lock: ReturnType<typeof createLock>) => lock.status()],
    ["forceRelease", (lock: ReturnType<typeof createLock>) => lock.forceRelease()],
    ["requestRelease", (lock: ReturnType<typeof createLock>) => lock.requestRelease()],
    ["hold", (lock: ReturnType<typeof createLock>) => lock.hold({ wait: 0 })],
    ["resume", (lock: ReturnType<typeof createLock>) => lock.resume(7)],
    ["withLock", (lock: ReturnType<typeof createLock>) => lock.withLock(() => {}, { wait: 100 })],
    ["tryWithLock", (lock: ReturnType<typeof createLock>) => lock.tryWithLock(() => {})],
    ["withLocks", (lock: ReturnType<typeof createLock>) => withLocks([lock], () => {}, { wait: 100 })],
  ])("G11 An outage of %s has the cause.", async (_name, call) => {
    const cause = fault("Network connection lost.");
    const down = Object.fromEntries(
      ["acquire", "renew", "release", "isLocked", "status", "forceRelease", "requestRelease", "cancel"].map(
        (method) => [method, always(cause)],
      ),
    );
    const called = failureOf(call(createLock(scriptedPrimitives(down).primitives)));
    await pass(10_000);
    expect(await called).toMatchObject({ code: "UNREACHABLE", cause });
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([undefined, null])(
    "G11 What your own transport throws, even %j, reaches a waiter unchanged.",
    async (thrown) => {
      const { acquire } = createLock(
        scriptedPrimitives({ acquire: always(thrown), cancel: async () => true }).primitives,
      );
      const refused = await acquire(1_000, { wait: 100 }).then(
        () => "granted",
        (error: unknown) => [error],
      );
      expect(refused).toEqual([thrown]);
    },
  );

  it("G11 A failed release says why it could not be confirmed.", async () => {
    const cause = fault("Network connection lost.");
    const { primitives } = grantingPrimitives({ release: always(cause) });
    const called = failureOf(createLock(primitives).withLock(() => {}));
    await pass(5_000);
    expect(await called).toMatchObject({
      code: "RELEASE_FAILED",
      message: expect.stringContaining("Network connection lost"),
      cause: { code: "UNREACHABLE", cause },
    });
  });
});

describe("Rate limits", () => {
  const limited = (retryAfter?: number) => fault("answered 429", { retryable: true, rateLimited: true, retryAfter });

  it("G11 A rate-limited service is asked again when it says, and not before.", async () => {
    const at: number[] = [];
    const since = performance.now();
    const call = async () => {
      at.push(performance.now() - since);
      if (at.length === 1) throw limited(600);
      return "answer";
    };
    const called = callObject(call, BOUNDS);
    await pass(1_000);
    expect(await called).toBe("answer");
    expect(at).toEqual([0, 625]);
  });

  it("G11 A rate limit is reported at once, and as no outage, if it lasts longer than the call may.", async () => {
    const cause = limited(10_000);
    expect(await failureOf(callObject(always(cause), BOUNDS))).toMatchObject({
      code: "RATE_LIMITED",
      retryAfter: 10_000,
      cause,
      message: expect.stringMatching(/neither an outage nor contention: try again in 10000 ms/),
    });
    expect(vi.getTimerCount()).toBe(0);
  });

  it("G11 A rate-limited service that gives no time is asked again after growing pauses, and then the limit is reported.", async () => {
    const called = failureOf(callObject(always(limited()), BOUNDS));
    await pass(1_000);
    expect(await called).toMatchObject({ code: "RATE_LIMITED", retryAfter: undefined });
  });

  it("G11 A candidate and an observer wait out a rate limit for as long as the service says.", async () => {
    const asked = { acquire: [] as number[], status: [] as number[] };
    const since = performance.now();
    const limitedAtFirst =
      <T>(calls: number[], answer: T) =>
      async () => {
        calls.push(performance.now() - since);
        if (calls.length === 1) throw limited(40_000);
        return answer;
      };
    const holder = { lease: 7, exclusive: true, permits: 1, capacity: 1, since: 0, deadline: 0 };
    const { primitives } = grantingPrimitives({
      acquire: limitedAtFirst(asked.acquire, GRANT),
      status: limitedAtFirst(asked.status, { locked: true, holders: [holder], waiters: [] }),
    });
    const lock = createLock(primitives);
    const led = outcome(lead(lock, () => "led"));
    const seen = observe(lock).next();
    await pass(60_000);
    expect(await led).toEqual({ value: "led" });
    expect((await seen).value).toMatchObject({ term: 7 });
    for (const calls of [asked.acquire, asked.status]) {
      expect(calls).toHaveLength(2);
      expect(calls[1]).toBeGreaterThanOrEqual(40_000);
    }
  });
});

describe("Daily limit of the free plan", () => {
  it.each([
    "Exceeded allowed rows written in Durable Objects free tier.",
    "Exceeded allowed rows read in Durable Objects free tier.",
    "Exceeded allowed duration in Durable Objects free tier.",
    "Exceeded allowed volume of requests in Durable Objects free tier.",
    "https://locks.example answered 503: The lock's object did not answer (Exceeded allowed rows written in Durable Objects free tier)",
    "https://locks.example answered 429, error code: 1027",
  ])("G11 A used-up daily limit is reported at once, with the time when it ends: %s.", async (message) => {
    vi.setSystemTime(new Date("2026-11-26T18:00:00Z"));
    const cause = fault(message);
    expect(await failureOf(callObject(always(cause), BOUNDS))).toMatchObject({
      code: "UNREACHABLE",
      cause,
      retryAfter: 6 * 3_600_000,
      message: expect.stringMatching(/a daily limit of Cloudflare's free plan is reached .* 00:00 UTC/),
    });
    expect(vi.getTimerCount()).toBe(0);
  });
});
