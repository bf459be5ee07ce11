import { describe, expect, it } from "vitest";
import { checkWork } from "../../../../src/hold/work.ts";
import { checkLock, isLock } from "../../../../src/toolkit/lock.ts";
import { checkAcquire } from "../../../../src/toolkit/options/acquire-options.ts";
import { asAsked, everything, outOf } from "../../../../src/toolkit/options/claim-rule.ts";
import { checkHold, checkResume, checkTryHold } from "../../../../src/toolkit/options/hold-options.ts";
import { checkWaiting } from "../../../../src/toolkit/options/wait-options.ts";
import { checkNamespace } from "../../../../src/transport/rpc/namespace.ts";

const unchecked = <T>(value: unknown) => value as T;
const refusal = (argument: string, words = argument) =>
  expect.objectContaining({ code: "INVALID_ARGUMENT", argument, message: expect.stringContaining(words) });
const BOUNDS = { ttl: 30_000, maxHold: Infinity, minHold: 0, releaseOnExit: false, onReleaseRequested: undefined };

describe("Default options", () => {
  it("G9 acquire asks once by default, or waits for 10 s if it polls.", () => {
    const { request, ...rest } = checkAcquire(1_000, undefined, asAsked);
    expect(request).toMatchObject({ ttl: 1_000, wait: 0, waited: 0, exclusive: true, lockDelay: 0, steal: false });
    expect(request.requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(rest).toEqual({ signal: undefined, poll: undefined, named: false });
    expect(checkAcquire(1_000, { retry: {} }, asAsked)).toMatchObject({
      request: { wait: 10_000 },
      poll: { retries: Infinity, minTimeout: 50, maxTimeout: 5_000, factor: 2 },
    });
  });

  it("G9 hold has a ttl of 30 s and a wait of 10 s by default.", () => {
    const { request, bounds } = checkHold(undefined, everything);
    expect(request).toMatchObject({ ttl: 30_000, wait: 10_000 });
    expect(bounds).toEqual(BOUNDS);
    expect(checkResume(undefined)).toEqual(BOUNDS);
    expect(checkTryHold(undefined, everything)).toMatchObject({ request: { wait: 0 }, bounds: BOUNDS });
    expect(checkWaiting(undefined)).toEqual({ wait: 10_000, signal: undefined });
  });

  it("G9 A default is also accepted when it is passed explicitly.", () => {
    const said = { minHold: 0, maxHold: Infinity, releaseOnExit: false, ttl: 30_000, lockDelay: 0, wait: 10_000 };
    expect(checkHold({ ...said, retry: { retries: Infinity } }, everything)).toMatchObject({
      bounds: BOUNDS,
      poll: { retries: Infinity },
    });
    expect(checkResume({ minHold: 0, releaseOnExit: true }).releaseOnExit).toBe(true);
  });

  it("G9 An option that is given replaces its default.", () => {
    const { signal } = new AbortController();
    const onReleaseRequested = () => {};
    const retry = { retries: 0, minTimeout: 1, maxTimeout: 86_400_000, factor: 1.5 };
    const options = { wait: 5, signal, retry, owner: "me", permits: 2, ttl: 20, maxHold: 10 };
    const held = checkHold({ ...options, minHold: 10, onReleaseRequested, lockDelay: 7 }, outOf(3));
    expect(held).toMatchObject({
      request: { wait: 5, owner: "me", permits: 2, capacity: 3, ttl: 10, lockDelay: 7 },
      signal,
      poll: retry,
      named: false,
      bounds: { ttl: 20, maxHold: 10, minHold: 10, releaseOnExit: false, onReleaseRequested },
    });
    expect(checkHold({ ttl: 10, maxHold: 20 }, everything).request.ttl).toBe(10);
    expect(checkResume({ ttl: 1, maxHold: 2, releaseOnExit: true })).toEqual({
      ...BOUNDS,
      ttl: 1,
      maxHold: 2,
      releaseOnExit: true,
    });
    expect(checkTryHold({ ttl: 7 }, everything).bounds.ttl).toBe(7);
    expect(checkWaiting({ wait: 0, signal })).toEqual({ wait: 0, signal });
    expect(checkAcquire(1_000, { wait: Infinity }, asAsked).request.wait).toBe(Infinity);
    expect(checkAcquire(1_000, { requestId: "mine" }, asAsked)).toMatchObject({
      request: { requestId: "mine" },
      named: true,
    });
  });
});

describe("Bad options", () => {
  it.each([
    ["retry", { retry: 1 }, "retry must be an object of retries, minTimeout, maxTimeout, factor"],
    ["retry", { retry: null }, "{} takes the defaults"],
    ["retry.retries", { retry: { retries: Number.NaN } }, "a number from 0 to 86400000"],
    ["retry.retries", { retry: { retries: "1" } }, "retry.retries"],
    ["retry.minTimeout", { retry: { minTimeout: 0.5 } }, "from 1 to"],
    ["retry.maxTimeout", { retry: { maxTimeout: 86_400_001 } }, "from 1 to"],
    ["retry.factor", { retry: { factor: 0.9 } }, "from 1 to"],
    ["signal", { signal: null }, "AbortSignal"],
    ["signal", { signal: { aborted: false } }, "AbortSignal"],
    ["wait", { wait: null }, "wait"],
    ["minHold", { minHold: 11, maxHold: 10 }, "minHold (11) must not be above maxHold (10)"],
    ["minHold", { minHold: -1 }, "from 0 to 86400000 (1 day), got -1"],
    ["maxHold", { maxHold: 0 }, "from 1 to 86400000 (1 day), or Infinity for no limit, got 0"],
    ["retry.retries", { retry: { retries: -Infinity } }, "from 0 to 86400000, or Infinity"],
    ["minHold", { minHold: null }, "minHold"],
    ["maxHold", { maxHold: null }, "maxHold"],
    ["ttl", { ttl: null }, "ttl"],
    ["releaseOnExit", { releaseOnExit: true, minHold: 1 }, "leave one of them out"],
    ["releaseOnExit", { releaseOnExit: 1 }, "releaseOnExit"],
    ["onReleaseRequested", { onReleaseRequested: "tell" }, "must be a function"],
    ["onReleaseRequested", { onReleaseRequested: null }, "must be a function"],
  ])("G9 A bad %s is refused with a message that says what is wrong: %j.", (argument, options, words) => {
    expect(() => checkHold(unchecked(options), everything)).toThrow(refusal(argument, words));
  });

  it("G9 A bad option of a wait, of resume or of tryWithLock is refused in the same way.", () => {
    expect(() => checkWaiting({ wait: null })).toThrow(refusal("wait"));
    expect(() => checkWaiting({ signal: null })).toThrow(refusal("signal"));
    expect(() => checkWaiting({ ttl: 1 })).toThrow(refusal("ttl"));
    expect(() => checkResume(unchecked({ wait: 1 }))).toThrow(refusal("wait"));
    for (const option of ["wait", "retry"])
      expect(() => checkTryHold(unchecked({ [option]: 1 }), everything)).toThrow(refusal(option));
  });

  it("G9 releaseOnExit without minHold is accepted, and so is minHold without releaseOnExit.", () => {
    expect(checkHold({ releaseOnExit: true, minHold: unchecked(undefined) }, everything).bounds.releaseOnExit).toBe(
      true,
    );
    expect(checkHold({ releaseOnExit: false, minHold: 5, maxHold: 5 }, everything).bounds.minHold).toBe(5);
  });

  it("G9 Work that is no function, a lock that is none and a binding that is none are refused by their names.", () => {
    expect(() => checkWork("work")).toThrow(refusal("fn"));
    expect(() => checkWork(() => {})).not.toThrow();
    const lock = { primitives: {} };
    expect(checkLock(lock)).toBe(lock);
    for (const other of [undefined, null, "lock", {}]) {
      expect(isLock(other)).toBe(false);
      expect(() => checkLock(other)).toThrow(refusal("lock"));
      expect(() => checkNamespace(unchecked<object>(other), "DurableLock")).toThrow(
        refusal("namespace", "the binding of the DurableLock class"),
      );
    }
    expect(() => checkNamespace({ getByName: 7 }, "DurableLock")).toThrow(refusal("namespace"));
    const namespace = { getByName: () => {} };
    expect(checkNamespace(namespace, "DurableLock")).toBe(namespace);
  });
});
