import { describe, expect, it, vi } from "vitest";
import { isLockError, LockError } from "../../../src/index.ts";
import { DEFAULT_BACKOFF, fullJitter } from "../../../src/transport/backoff.ts";
import { ANSWER_WITHIN, callObject } from "../../../src/transport/call.ts";
import { fakeTime, pass, silence } from "../../support/fake-time.ts";
import { failureOf, outcome, settled } from "../../support/outcome.ts";

fakeTime();

const BOUNDS = { id: "mine", within: 1_000 };
const fault = (fields: object, message = "broken") => Object.assign(new Error(message), fields);
const DEAD = "The execution context which hosts this callback is no longer running.";

/** A call that fails with each error in order and then succeeds; `at` is when each attempt was made. */
function failing(...errors: unknown[]) {
  const since = performance.now();
  const at: number[] = [];
  const call = async () => {
    at.push(performance.now() - since);
    if (errors.length > 0) throw errors.shift();
    return "answer";
  };
  return { call, at };
}

describe("Delay before the next attempt", () => {
  it("The delay before the next attempt is random, below a limit that grows up to a maximum.", () => {
    const bounds = [1, 2, 3, 8].map((attempt) => 2 * fullJitter(attempt, DEFAULT_BACKOFF));
    expect(bounds).toEqual([50, 100, 200, 5_000]);
    vi.mocked(Math.random).mockReturnValue(0);
    expect(fullJitter(3, DEFAULT_BACKOFF)).toBe(0);
  });
});

describe("Faults and repeats", () => {
  it.each([
    ["that the platform calls retryable", { retryable: true }, "broken"],
    ["of an object that was reset", { durableObjectReset: true }, "broken"],
    ["of a handle whose object was reset", {}, DEAD],
  ])("G5 A call is repeated after a fault %s.", async (_what, fields, message) => {
    const { call, at } = failing(fault(fields, message), fault(fields, message), fault(fields, message));
    const answer = callObject(call, BOUNDS);
    await pass(200);
    expect(await answer).toBe("answer");
    expect(at).toEqual([0, 25, 75, 175]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([
    ["of an overloaded object", { overloaded: true }],
    ["of an overloaded object that calls it retryable", { overloaded: true, retryable: true }],
    ["of an overloaded object that was reset", { overloaded: true, durableObjectReset: true }],
  ])("G5 A call is not repeated after a fault %s: that is an outage.", async (_what, fields) => {
    const { call, at } = failing(fault(fields));
    const error = await failureOf(callObject(call, BOUNDS));
    expect(isLockError(error, "UNREACHABLE")).toBe(true);
    expect(error).toMatchObject({
      cause: fields,
      message: 'Lock "mine" can\'t be reached: broken. This is an outage and not contention: try again later.',
    });
    expect(at).toEqual([0]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([
    ["of the user's own", {}],
    ["that says it is not worth it", { retryable: false, overloaded: false, durableObjectReset: false }],
  ])("G5 A call is not repeated after an error %s: that is thrown unchanged.", async (_what, fields) => {
    const thrown = fault(fields);
    const { call, at } = failing(thrown);
    expect(await failureOf(callObject(call, BOUNDS))).toBe(thrown);
    expect(at).toEqual([0]);
  });

  it("G5 An error of this library is not turned into an outage, whatever fields it has.", async () => {
    const thrown = Object.assign(new LockError("QUEUE_FULL", "full"), { overloaded: true });
    expect(await failureOf(callObject(failing(thrown).call, BOUNDS))).toBe(thrown);
  });

  it.each([["text"], [null], [undefined], [7]])(
    "G5 A thrown value that is no Error, such as %s, reaches the caller as an Error.",
    async (thrown) => {
      const error = await failureOf(callObject(failing(thrown).call, BOUNDS));
      expect(error).toBeInstanceOf(Error);
      expect(isLockError(error)).toBe(false);
    },
  );

  it("G5 A method that the object lacks is a VERSION_MISMATCH.", async () => {
    const missing = fault({}, 'The RPC receiver does not implement the method "convert".');
    expect(await failureOf(callObject(failing(missing).call, BOUNDS))).toMatchObject({
      code: "VERSION_MISMATCH",
      cause: missing,
    });
  });
});

describe("Bounded calls", () => {
  it("G9 A call ends in bounded time even if the object never answers.", async () => {
    const called = failureOf(callObject(() => silence(), BOUNDS));
    await pass(999);
    expect(await settled(called)).toBe("parked");
    await pass(1);
    const error = await called;
    expect(error).toMatchObject({ code: "UNREACHABLE", message: expect.stringContaining("within 1000 ms") });
    expect(Object.hasOwn(error as object, "cause")).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("G9 A call ends in bounded time even if the fault remains, and is not repeated afterwards.", async () => {
    const { call, at } = failing(...Array.from({ length: 100 }, () => fault({ retryable: true })));
    const called = failureOf(callObject(call, BOUNDS));
    await pass(1_000);
    expect(await called).toMatchObject({ code: "UNREACHABLE" });
    expect(at).toEqual([0, 25, 75, 175, 375, 775]);
    await pass(10_000);
    expect(at).toHaveLength(6);
  });

  it("G9 A call ends within 5 s.", () => {
    expect(ANSWER_WITHIN).toBe(5_000);
  });
});

describe("Requests of a settled call", () => {
  it("G8 An attempt that fails after the call has given up is not repeated.", async () => {
    let attempts = 0;
    const late = Promise.withResolvers<never>();
    const call = () => ((attempts += 1), late.promise);
    const called = failureOf(callObject(call, BOUNDS));
    await pass(1_000);
    expect(await called).toMatchObject({ code: "UNREACHABLE" });
    late.reject(fault({ retryable: true }));
    await pass(10_000);
    expect(attempts).toBe(1);
  });

  it.each([
    ["when it fails for good", () => Promise.reject(new Error("mine")), 0],
    ["when its time has ended", () => silence(), 1_000],
    ["when the caller aborts", () => silence(), 10],
  ])("G8 The request of a call is aborted %s.", async (_when, answer, after) => {
    const controller = new AbortController();
    const given: AbortSignal[] = [];
    const call = (signal: AbortSignal) => {
      given.push(signal);
      return answer();
    };
    const called = outcome(callObject<unknown>(call, { ...BOUNDS, signal: controller.signal }));
    expect(given[0]?.aborted).toBe(false);
    await pass(after);
    if (after === 10) controller.abort();
    await called;
    expect(given.map(({ aborted }) => aborted)).toEqual([true]);
  });
});

describe("Signal of a call", () => {
  it("A signal ends a call at once with its reason, and nothing is repeated afterwards.", async () => {
    const { call, at } = failing(...Array.from({ length: 5 }, () => fault({ retryable: true })));
    const controller = new AbortController();
    const called = failureOf(callObject(call, { ...BOUNDS, signal: controller.signal }));
    await pass(30);
    controller.abort("enough");
    expect(await called).toBe("enough");
    await pass(10_000);
    expect(at).toEqual([0, 25]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("A signal ends a call with its reason, whatever fields that has.", async () => {
    const reason = fault({ overloaded: true });
    const controller = new AbortController();
    const called = failureOf(callObject(() => silence(), { ...BOUNDS, signal: controller.signal }));
    controller.abort(reason);
    expect(await called).toBe(reason);
  });

  it("A signal ends a call with its reason even if the call fails in the same turn.", async () => {
    const controller = new AbortController();
    const call = async () => {
      controller.abort("enough");
      throw new Error("of no interest");
    };
    expect(await failureOf(callObject(call, { ...BOUNDS, signal: controller.signal }))).toBe("enough");
  });
});
